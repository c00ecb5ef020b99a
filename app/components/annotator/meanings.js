/* What each command means, in words and in the order of the sheet of keys. Levels of the suggestion are added there. */
const MEANINGS = {
  "Say what it is": {
    label: "label as the class where you stand; at the top: “can’t tell”",
    accept: "accept the suggestion",
    "shift -1": "make the suggestion one level coarser",
    "shift 1": "make it one level finer again",
    notThis: "not this class; the picture stays, so say next what you are sure of",
    noneHere: "this class, but none of those below it",
    unusable: "unusable: blank, broken, nothing of this tree",
    skip: "skip for now",
    undo: "undo, step by step",
  },
  "Find the class": {
    up: "one level up",
    "pick 1": "pick the next class, without going there",
    "pick -1": "pick the one before",
    enterPick: "go to the picked class",
    "page 1": "more classes",
    "page -1": "earlier classes",
    search: "search all classes by name, synonym or key",
    startCode: "type the letter code of a class",
    toggleOrder: "list the most likely first, or in tree order",
    openGlance: "pictures of a class, beside its neighbours",
  },
  "Look closer": {
    "zoom 1": "larger",
    "zoom -1": "smaller",
    "moveAcross 1": "move to the left",
    "moveAcross -1": "move to the right",
    "moveDown 1": "move up",
    "moveDown -1": "move down",
    "light 1": "brighter",
    "light -1": "darker",
    "contrast 1": "more contrast",
    "contrast -1": "less contrast",
    wholePicture: "the whole picture, as it was",
    fullScreen: "full screen",
  },
  "At hand": {
    chooseQueue: "choose which pictures come",
    openPace: "how your labelling goes",
    help: "this list",
  },
};

/* The words for one command; a level of the suggestion is counted from 1. */
function meaningOf(id) {
  const [command, argument] = id.split(" ");
  if (command === "acceptAt") return `accept the suggestion’s level ${Number(argument) + 1}`;
  return Object.values(MEANINGS).find((group) => group[id])?.[id] ?? id;
}

const KEY_NAMES = {
  " ": "Space",
  "-": "−",
  Backspace: "⌫",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  PageDown: "Page↓",
  PageUp: "Page↑",
};

/* A key as it is shown. */
function shownKey(key) {
  if (key.startsWith("Shift+")) return `⇧${shownKey(key.slice(6))}`;
  return KEY_NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key);
}
