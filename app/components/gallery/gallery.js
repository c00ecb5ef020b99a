/* The component: one gallery for each place on a page. `show` and `close` are called as sent_script.py says. */

const WALLS = new WeakMap();
const SHOWN_SAID = new WeakMap(); // of galleries of a person's own labels: what is drawn

/* Data: packed cards (see `card`), and names or the hash of the class tree that has them. Or `said`, a person's own
   labels: nothing is marked there. */
function show({ data, parentElement, setTriggerValue: send }) {
  const root = parentElement.querySelector(".room");
  styled(parentElement);
  if (data.said) return showSaid(root, data, send);
  const known = WALLS.get(parentElement);
  const isSame = known && known.place === data.of && known.data.marks === data.marks;
  if (isSame) {
    known.send = send;
    known.update(data);
    return;
  }
  known?.close();
  WALLS.set(parentElement, new Wall({ root, data, send }));
}

function close({ parentElement }) {
  WALLS.get(parentElement)?.close();
  WALLS.delete(parentElement);
}

function styled(parent) {
  if (parent.querySelector("style[data-gallery]")) return;
  const style = element("style", "", STYLE);
  style.dataset.gallery = "";
  parent.prepend(style);
}

function showSaid(root, data, send) {
  const content = JSON.stringify(data.said);
  if (SHOWN_SAID.get(root) === content) return; // only the theme changed
  SHOWN_SAID.set(root, content);
  const grid = element("div", "gallery");
  grid.replaceChildren(...data.said.map((said) => saidCard(said, data, (uid) => send("taken", uid))));
  grid.onclick = ({ target }) => {
    const pressed = target.closest("[data-id]");
    if (pressed) send("opened", Number(pressed.dataset.id));
  };
  grid.onkeydown = (event) => {
    const step = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[event.key];
    event.target.closest(".gallery > *")?.[step]?.querySelector("button").focus();
  };
  root.replaceChildren(grid);
}
