/* What a click or a key on the pictures means. Says it to the wall; knows no marks and no app. */

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class Pointing {
  /* wall: open, toggle, range, all, none, walkTo; isMarking: a plain click marks. */
  constructor(grid, wall, signal) {
    Object.assign(this, { grid, wall });
    this.press = new LongPress(grid, { signal, onHold: (made) => wall.hold(placeOf(made)) });
    this.lasso = new Lasso(grid, { signal, onEnd: (places, isTaking) => wall.put(places, !isTaking) });
    grid.addEventListener("click", (event) => this.click(event), { signal });
    grid.addEventListener("keydown", (event) => this.key(event), { signal });
    grid.addEventListener("focusin", ({ target }) => target.dataset.place && wall.cursorTo(placeOf(target)), { signal });
  }

  click(event) {
    const made = event.target.closest("[data-place]");
    if (!made || this.press.wasHeld || this.lasso.hasDragged) return;
    const place = placeOf(made);
    if (event.shiftKey) this.wall.range(place);
    else if (event.target.closest(".check") || event.ctrlKey || event.metaKey || this.wall.isMarking) this.wall.toggle(place);
    else this.wall.open(place);
  }

  key(event) {
    const made = event.target.closest("[data-place]");
    if (!made || event.altKey) return;
    if (this.meant(event, placeOf(made))) {
      event.preventDefault();
      event.stopPropagation(); // the page has keys of its own
    }
  }

  /* Do what the key means here; false where it means nothing. */
  meant({ key, shiftKey, ctrlKey, metaKey }, place) {
    const { wall } = this;
    if (key in STEPS) wall.walk(place, STEPS[key], shiftKey);
    else if (key === "Home" || key === "End") wall.walkTo(key === "Home" ? 0 : wall.cards.length - 1, shiftKey);
    else if (key.toLowerCase() === "a") wall.all();
    else if (ctrlKey || metaKey) return false;
    else if (key === " ") wall.toggle(place);
    else if (key === "Enter") wall.open(place);
    else if (key === "Escape") return wall.none();
    else return false;
    return true;
  }
}

function placeOf(made) {
  return Number(made.dataset.place);
}
