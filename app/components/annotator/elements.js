/* Elements made in one line. Texts are set as text, never as markup. */

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/* A class name, whatever its script: <bdi> keeps its direction from turning the line around. */
function named(text, className = "") {
  return element("bdi", className, text);
}

function button(command, argument, ...content) {
  const made = element("button");
  made.type = "button";
  made.dataset.do = command;
  made.dataset.argument = argument;
  made.append(...content);
  return made;
}

const NUMBERS = new Intl.NumberFormat(); // made once: making one takes longer than drawing the rest of a row

/* A whole number as people here write it. */
function whole(number) {
  return NUMBERS.format(number);
}

/* Write a text where another one stands: for the same once more the browser would lay the line out again. */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/* Put these in place of the children. Where a button among them had the focus, the one at its place gets it: else the
   next Enter would go to the window, and label. */
function redraw(parent, children) {
  const { activeElement } = parent.getRootNode();
  const place = [...parent.children].findIndex((child) => child.contains(activeElement));
  parent.replaceChildren(...children);
  const next = place < 0 ? null : children[Math.min(place, children.length - 1)];
  (next?.matches("button") ? next : next?.querySelector("button"))?.focus();
}

/* Have exactly these as children, in this order; those that are there already are not taken out for it. */
function rearrange(parent, children) {
  [...parent.children].filter((child) => !children.includes(child)).forEach((child) => child.remove());
  children.forEach((child, place) => parent.children[place] === child || parent.insertBefore(child, parent.children[place]));
}

const DRAWN = new WeakMap(); // element -> what `redrawAs` put there

/* As `redraw`, but only where it shows something else than before. as: a text that tells all of it. */
function redrawAs(parent, as, make) {
  if (DRAWN.get(parent) === as) return;
  DRAWN.set(parent, as);
  redraw(parent, make());
}

/* A small picture of the workspace. */
function thumbnail(place, id, width = 192) {
  const made = new Image();
  made.alt = "";
  made.decoding = "async";
  made.draggable = false;
  made.src = `/api/images/${Number(id)}?w=${width}&of=${encodeURIComponent(place)}`;
  return made;
}

/* All elements below that are named by data-part. */
function partsOf(root) {
  return Object.fromEntries([...root.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
}
