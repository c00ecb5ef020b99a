/* The screen in sight, as the annotator's `Hold` wants to see it: pictures that are reserved while somebody looks. */

class InSight {
  /* onKept(held, asked): of the pictures asked about, these are still ours. */
  constructor(screens, onKept) {
    Object.assign(this, { screens, keep: onKept, choice: "" }); // "": the pictures without a label
  }

  get ahead() {
    return this.screens.current?.tiles ?? [];
  }

  get isFinished() {
    return this.screens.isFinished;
  }
}
