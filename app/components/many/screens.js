/* The screens to come, fetched with their small pictures before they are needed; and the pictures put aside, which come
   back together in a round of their own. */

const AHEAD = 2; // screens ready behind the one in sight
const AGAIN_MS = 3000;
const MOST_ASIDE = 240; // then their round begins by itself: an address can name only so many
const MOST_ROUND = 400;
const MOST_NAMED = 1000; // of the app; what comes although it is known is left out here
const SMALL = 192; // pixels of a tile's picture; the next larger is for large tiles
const WIDTHS = [320, 640, 960, 1280, 1920];

class Screens {
  /* get(path): one request. room(): {count, side} of tiles that fit. waiting(): ids whose labels are on their way. */
  constructor({ place, get, room, waiting, onAnswer, onChange, onBroken, aside, marks }) {
    Object.assign(this, { place, get, room, waiting, onAnswer, onChange, onBroken });
    this.aside = new Set(aside);
    this.marks = new Map(marks); // of the screen before a reload
    this.current = null;
    this.ahead = [];
    this.round = []; // ids of the round that are not on a screen yet
    this.again = []; // screens of the round
    this.cursor = "";
    this.asked = 0; // answers to older questions are not used
    this.hasEnded = false;
    this.problem = null;
  }

  get wantsMore() {
    return this.round.length ? !this.again.length : !this.hasEnded && this.ahead.length < AHEAD;
  }

  get isFinished() {
    return this.hasEnded && !this.current && !this.round.length;
  }

  /* All pictures that come back: put aside, or in the round of those that were. */
  get keptAside() {
    const shown = [this.current, ...this.again].filter((screen) => screen?.isRound);
    return [...this.aside, ...this.round, ...shown.flatMap(idsOf)];
  }

  /* The screen in sight is done with. */
  advance() {
    this.current = null;
    if (this.aside.size >= MOST_ASIDE) this.beginRound();
    else this.put();
    this.fill();
  }

  /* Show those put aside now; the screen in sight comes back after them. */
  beginRound() {
    if (this.current) (this.current.isRound ? this.again : this.ahead).unshift(this.current);
    this.current = null;
    const ids = [...this.aside].slice(0, MOST_ROUND);
    ids.forEach((id) => this.aside.delete(id));
    this.round.push(...ids);
    this.put();
    this.fill();
  }

  /* A screen that was undone, back in sight; the one that was there comes after it. */
  bringBack(screen) {
    if (this.current) (this.current.isRound ? this.again : this.ahead).unshift(this.current);
    const ids = new Set(idsOf(screen));
    ids.forEach((id) => this.aside.delete(id));
    this.round = this.round.filter((id) => !ids.has(id));
    for (const other of [...this.ahead, ...this.again]) other.tiles = other.tiles.filter(({ id }) => !ids.has(id));
    this.ahead = this.ahead.filter(({ tiles }) => tiles.length);
    this.again = this.again.filter(({ tiles }) => tiles.length);
    this.current = { ...screen, tiles: screen.tiles.map((tile) => ({ ...tile })) };
    this.current.tiles.forEach((tile) => this.load(tile));
  }

  /* Another number of tiles fits: what is not in sight yet is asked for anew. */
  refit() {
    if (this.ahead.length) this.cursor = this.ahead.find((screen) => screen.from !== undefined)?.from ?? this.cursor;
    this.ahead = this.ahead.filter((screen) => screen.from === undefined);
    this.asked += 1;
    this.fill();
  }

  /* Look for pictures that came in since. */
  restart() {
    Object.assign(this, { hasEnded: false, cursor: "" });
    this.fill();
  }

  async fill() {
    if (this.isFilling || this.closed) return;
    this.problem = null;
    this.isFilling = true;
    while (this.wantsMore && !this.problem && !this.closed) {
      const [asked, isRound] = [this.asked, this.round.length > 0];
      const answer = await this.get(this.question(isRound));
      if (asked !== this.asked) continue;
      if (answer.kind === "ok") this.take(answer.value, isRound);
      else this.problem = answer;
    }
    this.isFilling = false;
    if (this.closed) return;
    if (this.problem?.kind === "away") this.timer = setTimeout(() => this.fill(), AGAIN_MS);
    this.onChange();
  }

  question(isRound) {
    const count = this.room().count;
    if (isRound) return `/api/alike?n=${count}&among=${this.round.join()}`;
    const without = [...this.known(), ...this.waiting()].slice(0, MOST_NAMED).join();
    return `/api/alike?n=${count}&after=${encodeURIComponent(this.cursor)}&without=${without}`;
  }

  /* Pictures that must not come a second time. */
  known() {
    const screens = [this.current, ...this.again, ...this.ahead].filter(Boolean);
    return new Set([...screens.flatMap(idsOf), ...this.aside, ...this.round]);
  }

  take(value, isRound) {
    const coming = new Set(value.items.map(({ id }) => id));
    // Of a round, what did not come was labelled by somebody else meanwhile, once nothing comes at all.
    if (isRound) this.round = coming.size ? this.round.filter((id) => !coming.has(id)) : [];
    const known = isRound ? new Set() : new Set([...this.known(), ...this.waiting()]);
    const tiles = value.items.filter(({ id }) => !known.has(id));
    const screen = { tiles, order: value.order, run: value.run, isRound, from: isRound ? undefined : this.cursor };
    if (!isRound) Object.assign(this, { hasEnded: !tiles.length, cursor: value.after });
    for (const tile of tiles) {
      tile.mark = this.marks.get(tile.id) ?? "in";
      this.load(tile);
    }
    if (tiles.length) (isRound ? this.again : this.ahead).push(screen);
    this.put();
    this.onAnswer(value);
    this.onChange();
  }

  /* Bring the next screen into sight where none is. */
  put() {
    this.current ??= this.again.shift() ?? (this.round.length ? null : this.ahead.shift()) ?? null;
  }

  /* Fetch and decode the picture of a tile. tile.state: loading, ready or broken. */
  load(tile) {
    if (tile.state === "ready" || tile.state === "loading") return;
    const image = new Image();
    image.alt = "";
    image.decoding = "async";
    image.draggable = false;
    image.src = this.address(tile, this.room().side > SMALL ? WIDTHS[0] : SMALL);
    Object.assign(tile, { image, state: "loading" });
    image.decode().then(
      () => this.settle(tile, "ready"),
      () => this.settle(tile, "broken"),
    );
  }

  settle(tile, state) {
    tile.state = state;
    if (state === "broken") this.onBroken(tile);
  }

  /* Try again what could not be loaded, e.g. while the app was away. */
  reload() {
    const screens = [this.current, ...this.again, ...this.ahead].filter(Boolean);
    screens.flatMap(({ tiles }) => tiles).filter(({ state }) => state === "broken").forEach((tile) => this.load(tile));
  }

  /* `of` names the workspace: under that address the picture never changes, and the browser may keep it for good. */
  address({ id }, width) {
    return `/api/images/${Number(id)}?w=${width}&of=${encodeURIComponent(this.place)}`;
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }
}

function idsOf({ tiles }) {
  return tiles.map(({ id }) => id);
}
