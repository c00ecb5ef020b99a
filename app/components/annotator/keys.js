/* Which key means what, unless a person chose otherwise. A digit chooses a row; everything else is a command, some with
   an argument. */

const KEYS = {
  Enter: ["label"],
  Backspace: ["up"],
  ArrowLeft: ["up"],
  ArrowRight: ["enterPick"],
  ArrowDown: ["pick", 1],
  ArrowUp: ["pick", -1],
  PageDown: ["page", 1],
  PageUp: ["page", -1],
  0: ["page", 1],
  " ": ["accept"],
  "-": ["shift", -1],
  "+": ["shift", 1],
  "=": ["shift", 1],
  // One letter for each level of the suggestion: A is the top level, B the one below it, and so on. Letters, because
  // digits choose rows, also with Shift (AZERTY has its digits there); Alt and the function keys belong to the browser.
  a: ["acceptAt", 0],
  b: ["acceptAt", 1],
  c: ["acceptAt", 2],
  d: ["acceptAt", 3],
  e: ["acceptAt", 4],
  f: ["acceptAt", 5],
  g: ["acceptAt", 6],
  h: ["acceptAt", 7],
  j: ["acceptAt", 8],
  k: ["acceptAt", 9],
  l: ["acceptAt", 10],
  m: ["acceptAt", 11],
  n: ["notThis"],
  o: ["noneHere"],
  x: ["unusable"],
  s: ["skip"],
  z: ["undo"],
  q: ["chooseQueue"],
  "/": ["search"],
  ";": ["startCode"],
  t: ["toggleOrder"],
  i: ["openGlance"],
  // Signs that every layout has, with or without Shift.
  ".": ["zoom", 1],
  ",": ["zoom", -1],
  ">": ["zoom", 1],
  "<": ["zoom", -1],
  "Shift+ArrowLeft": ["moveAcross", 1],
  "Shift+ArrowRight": ["moveAcross", -1],
  "Shift+ArrowUp": ["moveDown", 1],
  "Shift+ArrowDown": ["moveDown", -1],
  v: ["light", 1],
  "Shift+v": ["light", -1],
  y: ["contrast", 1],
  "Shift+y": ["contrast", -1],
  w: ["wholePicture"],
  p: ["fullScreen"],
  r: ["openPace"],
  "?": ["help"],
};
const SEARCH_KEYS = {
  Enter: ["enterPick"],
  ArrowDown: ["pick", 1],
  ArrowUp: ["pick", -1],
  PageDown: ["page", 1],
  PageUp: ["page", -1],
  Escape: ["leaveSearch"],
};
const FROM_BUTTONS = ["row", "goTo", "searchFor", "unsay", "revisit", "again", "lookAgain", "goBack"];
FROM_BUTTONS.push("openRefused", "leave", "tryNow");
const FROM_DESK = ["typeCode", "pastCode", "awaitCode", "leaveCode", "sayClass", "toggleLens", "closeHints", "glanceAt", "glanceGo"];

/* All that keys and buttons may ask for; and what makes sense before the class tree has come. */
const FROM_KEYS = [...Object.values(KEYS), ...Object.values(SEARCH_KEYS)].map(([name]) => name);
const COMMANDS = new Set([...FROM_KEYS, ...FROM_BUTTONS, ...FROM_DESK]);
const TREELESS = new Set([
  ...["help", "openRefused", "leave", "tryNow", "again", "lookAgain", "chooseQueue"],
  ...["openPace", "fullScreen", "closeHints"],
]);

const REPEATABLE = ["pick", "page", "zoom", "moveAcross", "moveDown", "light", "contrast"];
const ACTIVATES = ["Enter", " "];

const TYPED_IN =
  "input:not([type=checkbox], [type=range]), textarea, select, [contenteditable]:not([contenteditable=false])";
const CONTROLS = "button, a[href], summary, [role=button], [role=menuitem], [role=tab]";
const OTHERS = "input, [role=radiogroup]"; // boxes, sliders and Streamlit's choices, with keys of their own
const DIALOGS = "dialog[open], [role=dialog], [role=alertdialog]";

function isWithin(target, selector) {
  return target instanceof Element && target.closest(selector) !== null;
}

function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
}

/* The digit of a key, also where the layout needs Shift for digits (AZERTY), unless the sign there is a command ("-");
   "" for other keys. */
function digitOf(event) {
  if (/^[0-9]$/.test(event.key)) return event.key;
  return !event.shiftKey && !Object.hasOwn(KEYS, event.key) && /^Digit[0-9]$/.test(event.code) ? event.code.slice(5) : "";
}

/* The letter of a key, small; where the layout has no Latin letters, the one at its place. "" for other keys. */
function letterOf({ key, code }) {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  const isForeign = key.length === 1 && key > "\x7f" && /^Key[A-Z]$/.test(code);
  return isForeign ? code.slice(3).toLowerCase() : "";
}

/* A key as KEYS writes it. With signs Shift is part of the sign; with letters and keys that have a name it is told. */
function keyName(event) {
  const letter = letterOf(event);
  const name = digitOf(event) || letter || event.key;
  return event.shiftKey && (letter || name.length > 1) ? `Shift+${name}` : name;
}

/* What names a command and its argument together: "label", "shift -1". */
function idOf(command, argument) {
  return argument === undefined ? command : `${command} ${argument}`;
}

/* Listen to the keyboard until `signal` aborts. run(command, argument) is called for keys that are ours alone.
   meaning(event): [command, argument] of a key. repeatable: commands that a held key repeats. */
function listenToKeys({ root, run, signal, meaning, repeatable }) {
  let hasTabbed = false; // a control reached by Tab keeps its own keys; one left behind by a click does not

  const onKey = (event) => {
    if (event.key === "Tab") hasTabbed = true;
    const [target] = event.composedPath();
    // A field of a sheet that was just closed keeps the focus until the next frame.
    if (hasModifier(event) || (isWithin(target, TYPED_IN) && target.checkVisibility())) return;
    if (document.querySelector(DIALOGS) || root.querySelector("dialog[open]")) return;
    if (hasTabbed && ACTIVATES.includes(event.key) && isWithin(target, CONTROLS)) return;
    if (hasTabbed && isWithin(target, OTHERS)) return;
    const command = meaning(event);
    if (!command) return;
    event.preventDefault();
    event.stopPropagation();
    // A key that is held down must not label one picture after the other.
    if (!event.repeat || repeatable.includes(command[0])) run(...command);
  };

  // In the capture phase: before Streamlit's own shortcuts.
  window.addEventListener("keydown", onKey, { capture: true, signal });
  window.addEventListener("pointerdown", () => (hasTabbed = false), { capture: true, signal });
}

/* The search field's own keys. */
function searchKey(event, run) {
  const command = SEARCH_KEYS[event.key];
  if (!command || hasModifier(event)) return;
  event.preventDefault();
  run(...command);
}
