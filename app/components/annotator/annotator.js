/* The component: one session for each place on a page. The parts above are joined with this one by index.py. */

const SESSIONS = new WeakMap();

/* Called when the component appears, and again whenever its data or the theme changes; the function it returns is
   called once, when the component goes. */
export default function annotator({ data, parentElement, setTriggerValue }) {
  const known = SESSIONS.get(parentElement);
  const isSame = known && known.data.annotator === data.annotator && known.data.place === data.place;
  if (isSame) known.update(data);
  else {
    known?.close();
    SESSIONS.set(parentElement, new Session({ root: parentElement, data, send: setTriggerValue }));
  }
  return () => {
    SESSIONS.get(parentElement)?.close();
    SESSIONS.delete(parentElement);
  };
}
