/* The screens to come, fetched with their small pictures before they are needed; and the pictures put aside, which come
   back together in a round of their own. */

const AHEAD = 2; // screens ready behind the one in sight
const AGAIN_MS = 3000;
const MOST_TRIES = 3; // to load a picture while the app answers; then the picture itself is broken
const MOST_ASIDE = 240; // then their round begins by itself: an address can name only so many
const MOST_ROUND = 400;
const MOST_NAMED = 1000; // of the app; what comes although it is known is left out here
const SMALL = 192; // pixels of a tile's picture; the next larger is for large tiles
const WIDTHS = [320, 640, 960, 1280, 1920];

class Screens {
  /* get(path): one request. room(): {count, side} of tiles that fit. waiting(): ids whose labels are on their way. */
  constructor({ place, get, room, waiting, onAnswer, onChange, aside, marks }) {
    Object.assign(this, { place, get, room, waiting, onAnswer, onChange });
    this.aside = new Set(aside);
    this.marks = new Map(marks); // from before a reload, of pictures that were not in sight since
    this.lost = new Set(); // ids that others have: offered again only when we look again
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

  /* All that we have, the screen in sight first. */
  get all() {
    return [this.current, ...this.again, ...this.ahead].filter(Boolean);
  }

  /* The screen in sight is done with, of which so many pictures were seen; the others come again. */
  advance(seen) {
    if (!this.current.isRound && seen < this.current.tiles.length) this.hasEnded = false;
    this.current = null;
    if (this.aside.size >= MOST_ASIDE) this.beginRound();
    else this.put();
    this.fill();
  }

  /* Show those put aside now; the screen in sight comes back after them. */
  beginRound() {
    this.asked += 1; // an answer on its way knows of fewer in the round
    this.stow();
    const ids = [...this.aside].slice(0, MOST_ROUND);
    ids.forEach((id) => this.aside.delete(id));
    this.round.push(...ids);
    this.put();
    this.fill();
  }

  /* The screen in sight comes again after the next one, as it is. */
  stow() {
    if (!this.current) return;
    this.current.from = undefined; // it was seen: a refit leaves it alone
    (this.current.isRound ? this.again : this.ahead).unshift(this.current);
    this.current = null;
  }

  /* A screen that was undone, back in sight; the one that was there comes after it. It stays, whatever others do. */
  bringBack(screen) {
    this.asked += 1; // an answer on its way may bring the same pictures
    this.stow();
    const ids = new Set(idsOf(screen));
    ids.forEach((id) => this.aside.delete(id));
    this.round = this.round.filter((id) => !ids.has(id));
    this.leaveOnly(({ id }) => !ids.has(id));
    this.current = { ...screen, tiles: screen.tiles.map((tile) => ({ ...tile, stays: true })) };
    this.current.tiles.forEach((tile) => this.load(tile));
  }

  /* Of the pictures `asked` about, these are ours; the others are labelled, or in other hands. Returns how many of the
     screen in sight were lost. */
  keep(held, asked) {
    const gone = new Set(asked.filter((id) => !held.includes(id)));
    const isOurs = ({ id, stays }) => stays || !gone.has(id);
    const lost = this.current ? this.current.tiles.filter((tile) => !isOurs(tile)) : [];
    lost.forEach(({ id }) => this.lost.add(id));
    this.leaveOnly(isOurs);
    if (lost.length) this.refit(); // what is ahead is as old
    if (lost.length && !this.current.tiles.length) this.advance(0);
    return lost.length;
  }

  leaveOnly(isWanted) {
    for (const screen of this.all) screen.tiles = screen.tiles.filter(isWanted);
    this.ahead = this.ahead.filter(({ tiles }) => tiles.length);
    this.again = this.again.filter(({ tiles }) => tiles.length);
  }

  /* What is not in sight yet is asked for anew: another number of tiles fits, say. */
  refit() {
    const unseen = this.ahead.filter((screen) => screen.from !== undefined);
    if (unseen.length) Object.assign(this, { cursor: unseen[0].from, hasEnded: false });
    this.ahead = this.ahead.filter((screen) => screen.from === undefined);
    this.asked += 1;
    this.fill();
  }

  /* Look for pictures that came in, or that others left, since. */
  restart() {
    this.asked += 1;
    this.lost.clear();
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
    return new Set([...this.all.flatMap(idsOf), ...this.aside, ...this.round, ...this.lost]);
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
    if (this.current) return;
    this.current = this.again.shift() ?? (this.round.length ? null : this.ahead.shift()) ?? null;
    for (const { id } of this.current?.tiles ?? []) this.marks.delete(id); // from now on the person says
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

  /* What could not be shown for a while is in again; but not on the screen in sight, where it was out before all eyes. */
  settle(tile, state) {
    tile.state = state;
    const [isBroken, isSeen] = [state === "broken", Boolean(this.current?.tiles.includes(tile))];
    if (isBroken) this.mendLater();
    tile.hasFailed ||= isBroken;
    if (isBroken ? tile.mark === "in" : tile.isForced && !isSeen) setMark(tile, "in");
    if (isSeen && tile.hasFailed) this.onChange();
  }

  /* Tiles that cannot be shown. */
  get broken() {
    return this.all.flatMap(({ tiles }) => tiles).filter(({ state }) => state === "broken");
  }

  mendLater() {
    this.mending ??= setTimeout(() => this.mend(), AGAIN_MS);
  }

  /* The app may have been away when pictures were fetched: once it answers, fetch them again. */
  async mend() {
    const answer = await this.get("/api/health");
    this.mending = null;
    const broken = this.broken.filter(({ tries = 0 }) => tries < MOST_TRIES);
    if (this.closed || !broken.length) return;
    if (answer.kind === "away") this.mendLater();
    else broken.forEach((tile) => this.load(Object.assign(tile, { tries: (tile.tries ?? 0) + 1 })));
  }

  /* Try again what could not be loaded, e.g. while the app was away. */
  reload() {
    this.broken.forEach((tile) => this.load(tile));
  }

  /* `of` names the workspace: under that address the picture never changes, and the browser may keep it for good. */
  address({ id }, width) {
    return `/api/images/${Number(id)}?w=${width}&of=${encodeURIComponent(this.place)}`;
  }

  close() {
    this.closed = true;
    [this.timer, this.mending].forEach(clearTimeout);
  }
}

/* What cannot be shown is never in. tile.isForced: it is out for that reason alone. */
function setMark(tile, mark) {
  const isForced = mark === "in" && tile.state === "broken";
  Object.assign(tile, { mark: isForced ? "out" : mark, isForced });
}

function idsOf({ tiles }) {
  return tiles.map(({ id }) => id);
}
