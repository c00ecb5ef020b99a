/* The component: one wall for each place on a page. The parts above are joined with this one by index.py. */

const WALLS = new WeakMap();

/* Called when the component appears, and again whenever its data or the theme changes; the function it returns is
   called once, when the component goes. */
export default function many({ data, parentElement, setTriggerValue }) {
  const known = WALLS.get(parentElement);
  const isSame = known && known.data.annotator === data.annotator && known.data.place === data.place;
  if (isSame) known.update(data);
  else {
    known?.close();
    WALLS.set(parentElement, new Wall({ root: parentElement, data, send: setTriggerValue }));
  }
  return () => {
    WALLS.get(parentElement)?.close();
    WALLS.delete(parentElement);
  };
}
