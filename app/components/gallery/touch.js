/* A finger that rests on a picture marks it. */

const HOLD_MS = 450;
const STILL_PX = 10;

class LongPress {
  /* onHold(card): the finger has rested. wasHeld: the click that follows is not meant. */
  constructor(grid, { signal, onHold }) {
    Object.assign(this, { onHold, wasHeld: false, from: [0, 0] });
    grid.addEventListener("pointerdown", (event) => this.press(event), { signal });
    for (const end of ["pointerup", "pointercancel"]) grid.addEventListener(end, () => this.release(), { signal });
    grid.addEventListener("pointermove", (event) => this.move(event), { signal });
    // A browser's own menu for pictures would come up over the mark.
    grid.addEventListener("contextmenu", (event) => this.isTouch && event.preventDefault(), { signal });
    signal.addEventListener("abort", () => this.release());
  }

  press(event) {
    this.wasHeld = false;
    this.isTouch = event.pointerType !== "mouse";
    const pressed = event.target.closest("[data-place]");
    if (!this.isTouch || !pressed) return;
    this.from = [event.clientX, event.clientY];
    this.timer = setTimeout(() => {
      this.wasHeld = true;
      this.onHold(pressed);
    }, HOLD_MS);
  }

  move({ clientX, clientY }) {
    const [x, y] = this.from;
    if (Math.hypot(clientX - x, clientY - y) > STILL_PX) this.release();
  }

  release() {
    clearTimeout(this.timer);
  }
}
