/* The pictures of one screen, as a list to choose from: laid out so that all of them are in sight, drawn and pointed at.
   Knows nothing of labels. */

const GAP = 8;
const MOST_TILES = 60; // the app gives no more at once
const SIZES = { least: 64, most: 320, step: 16, first: 112, narrow: 78 }; // pixels
const NARROW = 480;
const DWELL_MS = 450; // the pointer rests on a tile: show it large
const HOLD_MS = 500; // a finger rests on it
const MARK_WORDS = { in: "", out: "taken out", unusable: "unusable" };

class Tiles {
  /* list: the element they stand in; frame: the room they have; size: the wanted side in pixels, null for ours. */
  constructor({ list, frame, size, signal, run }) {
    Object.assign(this, { list, frame, size, run, drawn: [], pointed: -1 });
    this.fit();
    list.addEventListener("click", (event) => this.onClick(event), { signal });
    list.addEventListener("pointerdown", (event) => this.onPress(event), { signal });
    for (const end of ["pointerup", "pointercancel", "pointermove"]) {
      list.addEventListener(end, (event) => this.onRelease(event), { signal });
    }
    list.addEventListener("contextmenu", (event) => this.held && event.preventDefault(), { signal });
    list.addEventListener("mousedown", (event) => event.preventDefault(), { signal });
    list.addEventListener("pointerover", (event) => this.onHover(event), { signal });
    list.addEventListener("pointerleave", () => this.onLeave(), { signal });
    signal.addEventListener("abort", () => [this.timer, this.holding].forEach(clearTimeout));
  }

  // --- room ------------------------------------------------------------------------------------------------------

  /* How many fit, and how large they are: {count, columns, side}. Returns whether that changed. */
  fit() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    let side = this.wanted;
    let room = roomFor(side, width, height);
    while (room.count > MOST_TILES) room = roomFor((side += 4), width, height);
    const hasChanged = room.count !== this.room?.count;
    this.room = room;
    this.list.style.gridTemplateColumns = `repeat(${room.columns}, ${room.side}px)`;
    this.list.style.gridAutoRows = `${room.side}px`;
    return hasChanged;
  }

  get wanted() {
    return this.size ?? (this.frame.clientWidth < NARROW ? SIZES.narrow : SIZES.first);
  }

  resize(size) {
    this.size = Math.max(SIZES.least, Math.min(size, SIZES.most));
    return this.fit();
  }

  // --- drawing ---------------------------------------------------------------------------------------------------

  /* tiles: those in sight. cursor: place of the one the keyboard is at, -1 for none. doubts: what to write on each. */
  draw(tiles, { cursor, doubts }) {
    if (tiles.length !== this.drawn.length || tiles.some((tile, place) => tile !== this.drawn[place].tile)) {
      this.drawn = tiles.map((tile, place) => makeTile(tile, place));
      this.list.replaceChildren(...this.drawn.map(({ item }) => item));
      this.list.scrollTop = 0;
    }
    this.drawn.forEach((made, place) => drawTile(made, { doubt: doubts[place], isAt: place === cursor }));
    if (cursor >= 0) this.list.setAttribute("aria-activedescendant", `tile-${cursor}`);
    else this.list.removeAttribute("aria-activedescendant");
  }

  /* The place of a neighbour; the same place where there is none. From nowhere: the first. */
  neighbour(place, [across, down]) {
    if (place < 0) return 0;
    const next = place + across + down * this.room.columns;
    return next >= 0 && next < this.drawn.length ? next : place;
  }

  // --- pointing --------------------------------------------------------------------------------------------------

  placeOf(event) {
    const item = event.target instanceof Element ? event.target.closest("[data-place]") : null;
    return item ? Number(item.dataset.place) : -1;
  }

  onClick(event) {
    const place = this.placeOf(event);
    if (place < 0 || this.held) return;
    this.endPeek();
    this.run(event.shiftKey ? "range" : "toggle", place);
  }

  onPress(event) {
    const place = this.placeOf(event);
    this.held = false;
    clearTimeout(this.holding);
    if (place < 0 || event.pointerType === "mouse") return;
    this.pressedAt = [event.clientX, event.clientY];
    this.holding = setTimeout(() => {
      this.held = true; // the click that follows is not meant
      this.run("enlarge", place);
    }, HOLD_MS);
  }

  onRelease(event) {
    const [x, y] = this.pressedAt ?? [0, 0];
    const isStill = event.type === "pointermove" && Math.hypot(event.clientX - x, event.clientY - y) < 8;
    if (!isStill) clearTimeout(this.holding);
  }

  /* pointed: place of the tile under the mouse. */
  onHover(event) {
    if (event.pointerType !== "mouse") return;
    const place = this.placeOf(event);
    if (place === this.pointed) return;
    this.endPeek();
    this.pointed = place;
    if (place >= 0) this.timer = setTimeout(() => this.run("peek", place), DWELL_MS);
  }

  onLeave() {
    this.endPeek();
    this.pointed = -1;
  }

  endPeek() {
    clearTimeout(this.timer);
    this.run("peek", -1);
  }
}

function roomFor(wanted, width, height) {
  const columns = Math.max(1, Math.floor((width + GAP) / (wanted + GAP)));
  const side = Math.floor((width - GAP * (columns - 1)) / columns);
  const rows = Math.max(1, Math.floor((height + GAP) / (side + GAP)));
  return { columns, side, count: Math.max(1, columns * rows) };
}

function makeTile(tile, place) {
  const item = element("li", "tile");
  Object.assign(item, { id: `tile-${place}` });
  item.setAttribute("role", "option");
  item.dataset.place = place;
  const [doubt, mark] = [named("", "doubt"), element("span", "mark")];
  item.append(tile.image, doubt, mark);
  return { tile, item, doubt, mark };
}

function drawTile({ tile, item, doubt, mark }, { doubt: said, isAt }) {
  if (item.firstChild !== tile.image) item.firstChild.replaceWith(tile.image); // it was fetched again
  const words = tile.state === "broken" && tile.mark !== "unusable" ? "cannot be shown" : MARK_WORDS[tile.mark];
  item.dataset.mark = tile.mark;
  item.dataset.state = tile.state;
  item.classList.toggle("at", isAt);
  item.setAttribute("aria-selected", String(tile.mark === "in"));
  item.setAttribute("aria-label", [`Picture ${tile.id}`, said && `perhaps ${said}`, words].filter(Boolean).join(", "));
  doubt.textContent = said;
  mark.textContent = words;
}
