/* A few words for those who label here for the first time, when they are of use; closed once, they never come again.
   Before there is a model, pictures come without a suggestion: then it is not spoken of. */

const HINTS = [
  {
    from: 0,
    keys: (key) =>
      `Say only what you are sure of. ${key("accept")} accepts the suggestion; 1–9 go to a class, the likeliest first: with ${key("toggleOrder")} a digit means the same class on every picture. ${key("label")} labels where you stand.`,
    touch: () => "Say only what you are sure of. Tap a step of the suggestion, or go down to a class and label there.",
    unsuggested: {
      keys: (key) => `Say only what you are sure of. 1–9 go to a class; ${key("label")} labels where you stand.`,
      touch: () => "Say only what you are sure of. Go down to a class and label there.",
    },
  },
  {
    from: 1,
    keys: (key) =>
      `Sure of less? ${key("acceptAt 0")}, ${key("acceptAt 1")}, … accept the suggestion at its first, second, … level. ${key("undo")} takes a label back.`,
    touch: () => "Sure of less? Tap an earlier step of the suggestion. Undo takes a label back.",
    unsuggested: {
      keys: (key) => `Sure of less? Label a class further up: every level counts. ${key("undo")} takes a label back.`,
      touch: () => "Sure of less? Label a class further up: every level counts. Undo takes a label back.",
    },
  },
  {
    from: 4,
    keys: (key) =>
      `${key("openGlance")} shows pictures of a class beside its neighbours. ${key("help")} lists all keys, and lets you choose your own.`,
    touch: () => "The sign beside a class’s name shows pictures of it. Two fingers make the picture larger.",
  },
];
const NO_MORE_AFTER = 8; // labels

class Hints {
  constructor({ place, annotator }, { hint, hintText }, keymap) {
    Object.assign(this, { box: hint, text: hintText, keymap, key: `hmgc.hints/${place}/${annotator}` });
    this.labels = recall(localStorage, this.key, { labels: 0 }).labels;
    this.isSuggested = false;
    this.isResting = false;
    this.draw();
  }

  /* A key was pressed: out of the way of the picture, until the next label. */
  rest() {
    this.isResting = true;
    this.box.hidden = true;
  }

  /* The picture on screen came with a suggestion, or without. */
  see(isSuggested) {
    if (isSuggested === this.isSuggested) return;
    this.isSuggested = isSuggested;
    this.draw();
  }

  /* A label was given. */
  count() {
    if (this.labels >= NO_MORE_AFTER) return;
    this.labels += 1;
    this.isResting = false;
    this.keepAndDraw();
  }

  close() {
    this.labels = NO_MORE_AFTER;
    this.keepAndDraw();
  }

  keepAndDraw() {
    remember(localStorage, this.key, { labels: this.labels });
    this.draw();
  }

  draw() {
    this.box.hidden = this.isResting || this.labels >= NO_MORE_AFTER;
    if (this.box.hidden) return;
    const found = HINTS.findLast(({ from }) => this.labels >= from);
    const hint = (!this.isSuggested && found.unsuggested) || found;
    const isTouch = window.matchMedia("(hover: none) and (pointer: coarse)").matches;
    this.text.textContent = isTouch ? hint.touch() : hint.keys((id) => this.keymap.keyFor(id));
  }
}
