/* Which pictures of a screen are in, and where the keyboard is among them. Knows nothing of classes. */

class Choice {
  /* tiles(): those in sight. doubts(): a text for each tile that looks odd, else "". view: walks and points.
     onMarks: other tiles are in. onMove: another one is pointed at, or shown large. */
  constructor({ tiles, doubts, view, onMarks, onMove }) {
    Object.assign(this, { tilesInSight: tiles, doubts, view, onMarks, onMove });
    this.begin();
  }

  /* cursor: the tile the arrows are at. large: the tile shown over all others. anchor: the tile last marked. -1: none. */
  begin() {
    Object.assign(this, { cursor: -1, large: -1, anchor: -1 });
    this.view.giveBackFocus();
  }

  /* Some tiles may have gone after `change`; the keyboard stays with its own. */
  through(change) {
    const before = this.tiles;
    change();
    const { tiles } = this;
    for (const name of ["cursor", "large", "anchor"]) this[name] = tiles.indexOf(before[this[name]]);
  }

  get tiles() {
    return this.tilesInSight();
  }

  having(mark) {
    return this.tiles.filter((tile) => tile.mark === mark);
  }

  /* The tile that a key means: the large one, the one the arrows are at, the one under the mouse; -1 for none. */
  get target() {
    const { tiles } = this;
    return [this.large, this.cursor, this.view.tiles.pointed].find((place) => tiles[place]) ?? -1;
  }

  // --- marks -----------------------------------------------------------------------------------------------------

  toggle(place = this.target) {
    const tile = this.tiles[place];
    if (!tile) return;
    this.anchor = place;
    this.mark([place], tile.mark === "in" ? "out" : "in");
  }

  /* From the tile last marked to this one: all get its mark. */
  range(place) {
    const from = this.tiles[this.anchor];
    if (!from) {
      this.toggle(place);
      return;
    }
    const [first, last] = [Math.min(this.anchor, place), Math.max(this.anchor, place)];
    this.mark(Array.from({ length: last - first + 1 }, (_, step) => first + step), from.mark);
  }

  all() {
    this.mark(this.tiles.keys(), "in");
  }

  /* What is unusable stays so. */
  invert() {
    const { tiles } = this;
    for (const tile of tiles) if (tile.mark !== "unusable") setMark(tile, tile.mark === "in" ? "out" : "in");
    this.onMarks();
  }

  /* Take out what the model takes for something else. */
  odd() {
    const [tiles, doubts] = [this.tiles, this.doubts()];
    const places = [...tiles.keys()].filter((place) => doubts[place] && tiles[place].mark === "in");
    if (places.length) this.mark(places, "out");
    else this.view.warn("The model takes none of these for something else.");
  }

  unusable() {
    const { target } = this;
    if (target < 0) this.view.warn("Point at a picture, or go to it with the arrow keys; then mark it as unusable.");
    else this.mark([target], this.tiles[target].mark === "unusable" ? "out" : "unusable");
  }

  mark(places, mark) {
    const { tiles } = this;
    for (const place of places) setMark(tiles[place], mark);
    this.onMarks();
  }

  // --- walking ---------------------------------------------------------------------------------------------------

  walk(step) {
    if (!this.tiles.length) return;
    this.cursor = this.view.tiles.neighbour(this.large >= 0 ? this.large : this.cursor, step);
    if (this.large >= 0) this.large = this.cursor;
    this.view.focusTiles();
    this.onMove();
  }

  /* Walk, and give the next tile the mark of this one. */
  stretch(step) {
    const from = this.tiles[this.cursor];
    this.walk(step);
    if (from && this.tiles[this.cursor] !== from) this.mark([this.cursor], from.mark);
  }

  /* Show a tile over all others; once more: back. */
  enlarge(place = this.target) {
    if (this.large >= 0) this.shrink();
    else if (this.tiles[place]) {
      this.large = place;
      this.onMove();
    } else this.view.warn("Point at a picture, or go to it with the arrow keys, to see it large.");
  }

  shrink() {
    this.large = -1;
    this.onMove();
  }

  /* Escape: out of the large picture, else off the tiles. */
  leave() {
    if (this.large < 0) {
      this.cursor = -1;
      this.view.leaveTiles();
    }
    this.shrink();
  }
}
