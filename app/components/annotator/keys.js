/* Which key means what. A digit chooses a row; everything else is a command of the session. */

const COMMANDS = {
  Enter: "label", Backspace: "up", ArrowLeft: "up", ArrowRight: "enterPick", ArrowDown: "pickNext", ArrowUp: "pickPrevious",
  PageDown: "pageNext", PageUp: "pagePrevious", 0: "pageNext", " ": "accept", "-": "coarser", "+": "finer", "=": "finer",
  n: "notThis", o: "noneHere", x: "unusable", s: "skip", z: "undo", "/": "search", "?": "help",
}; // prettier-ignore
const REPEATABLE = ["pickNext", "pickPrevious", "pageNext", "pagePrevious"];
const ACTIVATES = ["Enter", " "];

/* The digit of a key, also where the layout needs Shift for digits (AZERTY); "" for other keys. */
function digitOf(event) {
  if (/^[0-9]$/.test(event.key)) return event.key;
  return !event.shiftKey && /^Digit[0-9]$/.test(event.code) ? event.code.slice(5) : "";
}

function isTyping(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]:not([contenteditable=false])");
}

function isControl(target) {
  return target instanceof Element && target.closest("button, a[href], summary, [role=button], [role=menuitem], [role=tab]");
}

/* Listen to the keyboard until `signal` aborts. run(command, argument) is called for keys that are ours alone. */
function listenToKeys({ root, run, signal }) {
  let hasTabbed = false; // a control reached by Tab keeps its Enter and Space; one left behind by a click does not

  const onKey = (event) => {
    if (event.key === "Tab") hasTabbed = true;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const [target] = event.composedPath();
    if (isTyping(target) || document.querySelector("dialog[open], [role=dialog], [role=alertdialog]")) return;
    if (root.querySelector("dialog[open]")) return;
    if (hasTabbed && ACTIVATES.includes(event.key) && isControl(target)) return;
    const digit = digitOf(event);
    const command = digit > "0" ? "row" : COMMANDS[digit || (event.key.length === 1 ? event.key.toLowerCase() : event.key)];
    if (!command) return;
    event.preventDefault();
    event.stopPropagation();
    // A key that is held down must not label one picture after the other.
    if (!event.repeat || REPEATABLE.includes(command)) run(command, digit ? digit - 1 : undefined);
  };

  // In the capture phase: before Streamlit's own shortcuts.
  window.addEventListener("keydown", onKey, { capture: true, signal });
  window.addEventListener("pointerdown", () => (hasTabbed = false), { capture: true, signal });
}

/* The search field's own keys. */
function searchKey(event, run) {
  const command = { Enter: "enterPick", ArrowDown: "pickNext", ArrowUp: "pickPrevious", PageDown: "pageNext",
    PageUp: "pagePrevious", Escape: "leaveSearch" }[event.key]; // prettier-ignore
  if (!command || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  run(command);
}
