/* Which key means what. A digit chooses a row; everything else is a command of the session, some with an argument. */

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
  n: ["notThis"],
  o: ["noneHere"],
  x: ["unusable"],
  s: ["skip"],
  z: ["undo"],
  "/": ["search"],
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
const FROM_BUTTONS = ["row", "goTo", "searchFor", "unsay", "revisit", "again", "openRefused", "leave", "tryNow"];

/* All that keys and buttons may ask for; and what makes sense before the class tree has come. */
const FROM_KEYS = [...Object.values(KEYS), ...Object.values(SEARCH_KEYS)].map(([name]) => name);
const COMMANDS = new Set([...FROM_KEYS, ...FROM_BUTTONS]);
const TREELESS = new Set(["help", "openRefused", "leave", "tryNow", "again"]);

const REPEATABLE = ["pick", "page"];
const ACTIVATES = ["Enter", " "];

const TYPED_IN = "input, textarea, select, [contenteditable]:not([contenteditable=false])";
const CONTROLS = "button, a[href], summary, [role=button], [role=menuitem], [role=tab]";
const OTHERS = "[role=radiogroup]"; // Streamlit's, with arrow keys of its own
const DIALOGS = "dialog[open], [role=dialog], [role=alertdialog]";

function isWithin(target, selector) {
  return target instanceof Element && target.closest(selector) !== null;
}

function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
}

/* The digit of a key, also where the layout needs Shift for digits (AZERTY); "" for other keys. */
function digitOf(event) {
  if (/^[0-9]$/.test(event.key)) return event.key;
  return !event.shiftKey && /^Digit[0-9]$/.test(event.code) ? event.code.slice(5) : "";
}

/* [command, argument] of a key, undefined for a key that is not ours. */
function commandOf(event) {
  const digit = digitOf(event);
  if (digit > "0") return ["row", Number(digit) - 1];
  return KEYS[digit || (event.key.length === 1 ? event.key.toLowerCase() : event.key)];
}

/* Listen to the keyboard until `signal` aborts. run(command, argument) is called for keys that are ours alone.
   meaning(event): [command, argument] of a key. repeatable: commands that a held key repeats. */
function listenToKeys({ root, run, signal, meaning = commandOf, repeatable = REPEATABLE }) {
  let hasTabbed = false; // a control reached by Tab keeps its Enter and Space; one left behind by a click does not

  const onKey = (event) => {
    if (event.key === "Tab") hasTabbed = true;
    const [target] = event.composedPath();
    if (hasModifier(event) || isWithin(target, TYPED_IN)) return;
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
