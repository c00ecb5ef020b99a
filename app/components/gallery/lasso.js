/* A rectangle drawn with the mouse around pictures. */

const LEAST_DRAG_PX = 6; // less is a click

class Lasso {
  /* onEnd(places, isTaking): the cards inside, and whether their marks shall go (Alt held). */
  constructor(grid, { signal, onEnd }) {
    Object.assign(this, { grid, onEnd, from: null, box: null, hasDragged: false });
    grid.addEventListener("pointerdown", (event) => this.press(event), { signal });
    grid.addEventListener("pointermove", (event) => this.move(event), { signal });
    grid.addEventListener("pointerup", (event) => this.end(event), { signal });
    grid.addEventListener("pointercancel", () => this.drop(), { signal });
    grid.addEventListener("dragstart", (event) => event.preventDefault(), { signal });
  }

  /* Where the pointer is in the grid: the page may be scrolled while the rectangle is drawn. */
  at({ clientX, clientY }) {
    const { left, top } = this.grid.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  press(event) {
    this.hasDragged = false;
    if (event.pointerType === "mouse" && event.button === 0) this.from = this.at(event);
  }

  move(event) {
    if (!this.from) return;
    const to = this.at(event);
    if (!this.box) {
      if (Math.hypot(to[0] - this.from[0], to[1] - this.from[1]) < LEAST_DRAG_PX) return;
      this.hasDragged = true;
      this.grid.setPointerCapture(event.pointerId);
      this.box = element("div", "lasso");
      this.grid.append(this.box);
    }
    this.area = areaOf(this.from, to);
    const { left, top, right, bottom } = this.area;
    Object.assign(this.box.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
    this.inside().forEach(([made, isIn]) => made.classList.toggle("inside", isIn));
  }

  /* Every card, and whether the rectangle touches its picture. */
  inside() {
    const { left: x, top: y } = this.grid.getBoundingClientRect();
    return [...this.grid.querySelectorAll("[data-place]")].map((made) => {
      const { left, top, right, bottom } = made.querySelector("img").getBoundingClientRect();
      const { area } = this;
      return [made, left - x < area.right && right - x > area.left && top - y < area.bottom && bottom - y > area.top];
    });
  }

  end(event) {
    if (this.box) {
      const places = this.inside().flatMap(([made, isIn]) => (isIn ? [Number(made.dataset.place)] : []));
      this.onEnd(places, event.altKey);
    }
    this.drop();
  }

  drop() {
    this.box?.remove();
    this.grid.querySelectorAll(".inside").forEach((made) => made.classList.remove("inside"));
    Object.assign(this, { box: null, from: null });
  }
}

function areaOf([x, y], [toX, toY]) {
  return { left: Math.min(x, toX), top: Math.min(y, toY), right: Math.max(x, toX), bottom: Math.max(y, toY) };
}
