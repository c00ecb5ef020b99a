/* The pictures to come: fetched and decoded before they are needed, so that the next one is there within a frame. */

const AHEAD = 8; // never fewer than this many decoded ahead, while there are more
const CHUNK = 12; // pictures in one request
const AGAIN_MS = 3000;
const MOST_TRIES = 3; // to load a picture while the app answers; then the picture itself is broken
const WIDTHS = [320, 640, 960, 1280, 1920];
const CLOSER = [...WIDTHS, 3840, 7680]; // for a picture that a person enlarges

class Queue {
  /* choice: which pictures, as the app names it. get(path), post(path, body): one request. isDone(id, pass): labelled
     in this pass, or on its way. side(item): pixels the longest side needs on screen. */
  constructor({ place, choice, get, post, isDone, side, onAnswer, onChange, skipped }) {
    Object.assign(this, { place, choice, get, post, isDone, side, onAnswer, onChange });
    this.skipped = new Set(skipped);
    this.ahead = []; // items; the first is on screen
    this.pass = 0; // which time through a queue whose pictures may have labels already
    this.left = { skipped: 0, held: 0 }; // at the end: what waits, because we skipped it or others have it
    this.isEmpty = true; // no picture of it was seen yet
    this.begin();
    this.problem = null;
  }

  begin() {
    Object.assign(this, { cursor: "", hasEnded: false, found: 0 }); // found: new pictures since the beginning
  }

  get current() {
    return this.ahead[0] ?? null;
  }

  /* The picture on screen is done with. */
  shift() {
    this.ahead.shift();
    this.fill();
  }

  /* Put an item back on screen, before all others; it stays ahead, whatever others do with it. */
  unshift(item) {
    item.stays = true;
    this.ahead = [item, ...this.ahead.filter((other) => other.id !== item.id)];
    this.skipped.delete(item.id);
    this.load(item);
  }

  /* Later, once more. */
  skip() {
    this.skipped.add(this.current.id);
    this.leave();
  }

  /* On to the next picture, without another word on this one. */
  leave() {
    this.post("/api/queue/skip", { image: this.current.id });
    this.shift();
  }

  /* At the end once more: what was skipped; where that is nothing, all that is to be looked through. */
  async again() {
    const isOnlyOurs = this.skipped.size && !this.left.skipped; // the app never heard of these skips
    this.skipped.clear();
    if (!isOnlyOurs) await this.post("/api/queue/again", { queue: this.choice });
    this.lookAgain();
  }

  /* From the start: for what came in, was taken back or left by others since. */
  lookAgain() {
    this.begin();
    this.fill();
  }

  /* Other pictures from now on. */
  choose(choice) {
    Object.assign(this, { choice, ahead: [], pass: 0, problem: null, isEmpty: true });
    this.skipped.clear(); // the app knows of them
    this.begin();
    this.fill();
    this.onChange();
  }

  /* Of the pictures `asked` about, these are still ours; the others are labelled, or in other hands. The one on screen
     stays whatever happens: somebody looks at it. */
  keep(held, asked) {
    const isOurs = ({ id, stays }) => stays || held.includes(id) || !asked.includes(id);
    this.ahead = this.ahead.filter((item, place) => place === 0 || isOurs(item));
    this.fill();
  }

  /* Everything was offered, and nothing new came in behind us. */
  get isFinished() {
    return this.hasEnded && !this.found && !this.ahead.length;
  }

  /* There may be more, and we have few. At the end another pass finds what came in, or was taken back, behind us. */
  get wantsMore() {
    if (this.hasEnded) return !this.ahead.length && this.found > 0;
    return this.ahead.length < AHEAD;
  }

  async fill() {
    if (this.isFilling || this.closed) return;
    this.problem = null;
    if (!this.wantsMore) return;
    this.isFilling = true;
    while (this.wantsMore && !this.problem && !this.closed) {
      if (this.hasEnded) this.begin();
      const { choice } = this;
      const [after, queue] = [this.cursor, choice].map(encodeURIComponent);
      const answer = await this.get(`/api/queue?n=${CHUNK}&after=${after}&queue=${queue}`);
      if (choice !== this.choice) continue; // other pictures were chosen meanwhile
      if (answer.kind === "ok") this.take(answer.value);
      else this.problem = answer;
    }
    this.isFilling = false;
    if (this.closed) return;
    if (this.problem?.kind === "away") this.timer = setTimeout(() => this.fill(), AGAIN_MS);
    this.onChange();
  }

  take(value) {
    this.pass = value.pass;
    const known = new Set(this.ahead.map((item) => item.id));
    const isFresh = ({ id }) => !known.has(id) && !this.skipped.has(id) && !this.isDone(id, this.pass);
    const fresh = value.items.filter(isFresh);
    fresh.forEach((item) => this.load(item));
    this.ahead.push(...fresh);
    this.found += fresh.length;
    this.cursor = value.items.at(-1)?.after ?? this.cursor;
    this.hasEnded = value.ended;
    this.left = value.left;
    this.isEmpty &&= !fresh.length;
    this.onAnswer(value);
    this.onChange();
  }

  /* Fetch and decode the picture of an item. item.state: loading, ready or broken. */
  load(item) {
    if (item.state === "ready" || item.state === "loading") return;
    const image = new Image();
    image.alt = `Picture ${item.id}`;
    image.decoding = "sync"; // it is decoded by then: paint it in the frame it is shown in
    image.draggable = false;
    image.src = this.address(item);
    Object.assign(item, { image, state: "loading" });
    image.decode().then(
      () => this.settle(item, "ready"),
      () => this.settle(item, "broken"),
    );
  }

  settle(item, state) {
    item.state = state;
    if (state === "broken") this.mend(item);
    if (item === this.current) this.onChange();
  }

  /* The app may have been away when the picture was fetched: once it answers, fetch it again. */
  async mend(item) {
    while (item.state === "broken" && (item.tries ?? 0) < MOST_TRIES && !this.closed) {
      await new Promise((done) => setTimeout(done, AGAIN_MS));
      const answer = await this.get("/api/health");
      if (answer.kind === "away" || item.state !== "broken") continue;
      item.tries = (item.tries ?? 0) + 1;
      this.load(item);
    }
  }

  /* Try again what could not be loaded, e.g. while the app was away. */
  reload() {
    this.ahead.filter((item) => item.state === "broken").forEach((item) => this.load(item));
  }

  /* `of` names the workspace: under that address the picture never changes, and the browser may keep it for good. */
  address(item, enlarged = 1) {
    const side = this.side(item) * enlarged;
    const widths = enlarged > 1 ? CLOSER : WIDTHS;
    const width = widths.find((step) => step >= side) ?? widths.at(-1);
    return `/api/images/${Number(item.id)}?w=${width}&of=${encodeURIComponent(this.place)}`;
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }
}
