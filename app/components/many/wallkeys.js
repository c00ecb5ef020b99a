/* Which key means what while many are labelled at once, the same for everyone. Classes as in the annotator; the arrows
   walk over the pictures. */

const WALL_KEYS = {
  Enter: ["label"],
  Backspace: ["up"],
  0: ["page", 1],
  PageDown: ["page", 1],
  PageUp: ["page", -1],
  "/": ["search"],
  " ": ["space"],
  "-": ["shift", -1],
  "+": ["shift", 1],
  "=": ["shift", 1],
  ArrowLeft: ["walk", [-1, 0]],
  ArrowRight: ["walk", [1, 0]],
  ArrowUp: ["walk", [0, -1]],
  ArrowDown: ["walk", [0, 1]],
  a: ["all"],
  i: ["invert"],
  o: ["odd"],
  x: ["unusable"],
  v: ["enlarge"],
  s: ["pass"],
  b: ["takeAside"],
  z: ["undo"],
  ",": ["size", -1],
  ".": ["size", 1],
  Escape: ["leave"],
  "?": ["help"],
};
const WALL_BUTTONS = ["row", "goTo", "accept", "toggle", "range", "stretch", "peek", "shrink", "setSize", "again"];
WALL_BUTTONS.push("searchFor", "pick", "enterPick", "leaveSearch", "openRefused", "handOver", "tryNow");

const WALL_COMMANDS = new Set([...Object.values(WALL_KEYS).map(([name]) => name), ...WALL_BUTTONS]);
const WALL_TREELESS = new Set(["help", "openRefused", "handOver", "tryNow", "again", "peek", "size", "setSize"]);
const WALL_REPEATABLE = ["walk", "stretch", "page", "size"];

/* [command, argument] of a key, undefined for a key that is not ours. With Shift an arrow takes the mark along. */
function wallCommand(event) {
  const digit = digitOf(event);
  if (digit > "0") return ["row", Number(digit) - 1];
  const found = WALL_KEYS[digit || letterOf(event) || event.key];
  return event.shiftKey && found?.[0] === "walk" ? ["stretch", found[1]] : found;
}
