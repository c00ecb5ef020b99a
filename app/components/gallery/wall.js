/* A gallery in which pictures can be marked: which are, where the keyboard is, and what each command does. */

class Wall {
  constructor({ root, data, send }) {
    this.stopper = new AbortController();
    const { signal } = this.stopper;
    Object.assign(this, { root, send, signal, cards: [], cursor: 0, anchor: -1, isMarking: false, isBusy: false });
    this.grid = element("div", data.rows ? "near" : "gallery");
    this.grid.setAttribute("role", "listbox");
    this.grid.setAttribute("aria-multiselectable", "true");
    this.grid.setAttribute("aria-label", "Pictures: Enter opens, Space marks, A marks all, Escape none");
    const [above, below] = [element("div", "tools"), element("div", "bar")];
    this.markLine = new MarkLine({ choose: (mark) => this.send("mark", mark), signal });
    root.replaceChildren(this.markLine.box, above, this.grid, below);
    this.place = data.of;
    this.marks = new Marks({ place: data.of, scope: data.marks, onChange: () => this.draw() });
    this.acts = new Acts({ place: data.of, scope: data.marks, token: data.token, onLocked: () => this.send("renew", true) });
    this.bar = new Bar({ above, below, run: (command) => this.run(command) });
    this.pointing = new Pointing(this.grid, this, signal);
    this.update(data);
  }

  close() {
    this.stopper.abort();
  }

  /* What the page gives: cards, names, who labels. Only what differs is drawn anew: the rest may be the theme. */
  update(data) {
    this.data = data;
    this.acts.token = data.token;
    const names = this.names(data);
    const content = JSON.stringify([data.cards, data.rows, data.names, data.others, Boolean(names)]);
    if (this.content !== content) {
      this.content = content;
      const hadFocus = this.grid.contains(this.grid.getRootNode().activeElement);
      const told = { of: data.of, names, others: data.others };
      this.grid.replaceChildren(...(data.rows ? nearRows(data) : unpacked(data.cards).map((one) => card(one, told))));
      this.cards = [...this.grid.querySelectorAll("button")].map(markable);
      Object.assign(this, { cursor: 0, anchor: -1 });
      if (hadFocus) this.focus();
    }
    this.keepToken(data);
    this.draw();
    this.markLine.draw(data);
    const { awaited } = this;
    if (awaited && data.token) {
      this.awaited = null;
      this.run(awaited);
    }
  }

  /* Have the browser keep who labels, once. */
  keepToken({ remember: isWanted, token }) {
    if (!isWanted || !token || this.kept === token) return;
    this.kept = token;
    ask("/api/session", { token, body: {} });
  }

  /* The names that the cards speak of; null while the class tree that has them is on its way. */
  names({ names = [], tree: hash }) {
    if (!hash) return names;
    const known = TREES.get(hash);
    if (known) return known.names;
    this.tree({ version: 0, hash }).then((tree) => {
      if (!this.signal.aborted && !tree.kind) this.update(this.data);
    });
    return null;
  }

  idAt(place) {
    return Number(this.cards[place].dataset.id);
  }

  draw() {
    this.cards.forEach((made, place) => {
      const isMarked = this.marks.has(this.idAt(place));
      made.setAttribute("aria-selected", String(isMarked));
      made.tabIndex = place === this.cursor ? 0 : -1;
    });
    this.root.classList.toggle("marking", this.isMarking || this.marks.size > 0);
    const shown = new Set(this.cards.map((_, place) => this.idAt(place))); // in rows, one picture may stand twice
    const here = [...shown].filter((id) => this.marks.has(id)).length;
    const { isMarking, isBusy, marks } = this;
    this.bar.draw({
      total: marks.size, here, cards: shown.size, isMarking, isBusy, isFull: marks.isFull,
      act: this.acts.last, hasCleared: marks.cleared.length > 0 && !marks.size, hasLink: Boolean(this.data.link),
      note: this.data.note ?? "", hasSave: Boolean(this.data.save),
      isOfClass: Boolean(this.data.node),
    });
  }

  run(command) {
    this.awaited = null;
    const needsName = ["label", "queue", "reference", "unmark", "undo"].includes(command);
    if (needsName && !this.data.token) {
      this.awaited = command;
      this.send("who", true);
    } else this[{ label: "openLabel", queue: "openQueue", reference: "openReference", mark: "turnMode" }[command] ?? command]();
  }

  openLabel() {
    new LabelSheet(this);
  }

  openQueue() {
    new QueueSheet(this);
  }

  openReference() {
    new ReferenceSheet(this);
  }

  /* All that was found, on every page. */
  save() {
    this.send("save", true);
  }

  // --- marking ---------------------------------------------------------------------------------------------------

  turnMode() {
    this.isMarking = !this.isMarking;
    this.draw();
  }

  toggle(place) {
    Object.assign(this, { cursor: place, anchor: place });
    this.marks.toggle(this.idAt(place));
  }

  /* All from the last one marked to this one, as that one is. */
  range(place) {
    const from = this.anchor < 0 ? place : this.anchor;
    const isMarked = this.anchor < 0 || this.marks.has(this.idAt(from));
    const [first, last] = [Math.min(from, place), Math.max(from, place)];
    this.cursor = place;
    if (this.anchor < 0) this.anchor = place;
    this.put(Array.from({ length: last - first + 1 }, (_, step) => first + step), isMarked);
  }

  put(places, isMarked) {
    this.marks.put(places.map((place) => this.idAt(place)), isMarked);
    if (this.marks.isFull) this.bar.say(`At most ${whole(MOST_MARKED)} can be marked.`, () => this.draw());
  }

  all() {
    this.put([...this.cards.keys()], true);
  }

  /* Returns whether there was anything to take away. */
  none() {
    if (!this.marks.size && !this.isMarking) return false;
    this.isMarking = false;
    if (this.marks.size) this.marks.clear();
    else this.draw();
    return true;
  }

  bringBack() {
    this.marks.bringBack();
  }

  /* A finger has rested on a picture: mark it, and from now on a tap marks. */
  hold(place) {
    this.isMarking = true;
    this.toggle(place);
    navigator.vibrate?.(10);
  }

  // --- the keyboard ----------------------------------------------------------------------------------------------

  cursorTo(place) {
    this.cards[this.cursor].tabIndex = -1;
    this.cursor = place;
    this.cards[place].tabIndex = 0;
  }

  focus() {
    this.cards[this.cursor]?.focus({ preventScroll: true });
  }

  walk(place, [across, down], isMarking) {
    const next = down ? nearestBelow(this.cards, place, down) : place + across;
    if (next >= 0 && next < this.cards.length) this.walkTo(next, isMarking);
  }

  walkTo(next, isMarking) {
    if (isMarking) {
      if (this.anchor < 0) this.toggle(this.cursor);
      this.range(next);
    }
    this.cards[next].focus();
  }

  // --- the app ---------------------------------------------------------------------------------------------------

  open(place) {
    this.send("opened", this.idAt(place));
  }

  /* The class tree in use, {version, hash}; or why it did not come. */
  async tree({ version, hash }) {
    if (!TREES.has(hash)) {
      const answer = await ask(`/api/taxonomy/${hash}`);
      if (answer.kind !== "ok") return answer;
      for (const older of [...TREES.keys()].slice(0, 1 - MOST_TREES)) TREES.delete(older);
      TREES.set(hash, new Tree(answer.value, { version, hash }));
    }
    return Object.assign(TREES.get(hash), { version });
  }

  /* An act went through: what was refused stays marked, the page shows the rest as it is now. */
  done(refused, node) {
    this.marks.put(this.marks.all(), false);
    this.marks.put(refused, true);
    this.bar.hush(() => this.draw());
    this.send("changed", node);
  }

  async undo() {
    const { ids, name } = this.acts.last;
    this.isBusy = true;
    this.draw();
    const problem = await this.acts.undo();
    this.isBusy = false;
    if (problem) return this.bar.say(problemText(problem), () => this.draw());
    if (this.acts.undoneOfNobody) return this.bar.say("Nothing was taken back: somebody else said it.", () => this.draw());
    this.marks.put(ids, true);
    this.bar.say(name ? `Taken back: ${name}.` : "Taken back.", () => this.draw());
    this.send("changed", "");
  }

  /* The marked pictures are no longer examples of the class they are shown for. */
  async unmark() {
    const { node } = this.data;
    const ids = this.marks.all();
    this.isBusy = true;
    this.draw();
    const removed = [];
    const problem = await this.acts.inParts("/api/marked/references/remove", { node }, ids, (part) => removed.push(...part.removed));
    this.isBusy = false;
    if (problem) return this.bar.say(problemText(problem), () => this.draw());
    this.acts.keep({ kind: "unreference", node, name: "", ids: removed, refused: [] });
    this.done([], node);
  }

  dismiss() {
    this.acts.keep(null);
    this.marks.cleared = [];
    this.bar.hush(() => this.draw());
  }

  /* The address says all that the page shows; `link` is what it leaves to the app's choice. */
  async copyLink() {
    const address = new URL(location.href);
    for (const [name, value] of Object.entries(this.data.link)) {
      if (!address.searchParams.has(name)) address.searchParams.set(name, value);
    }
    const isCopied = await copied(address.href);
    this.bar.say(isCopied ? "The link is copied." : `Copy this link: ${address.href}`, () => this.draw());
  }
}

/* The place of the card of the next line down, or up (-1), that is nearest to the one at `place`; -1: no such line. */
function nearestBelow(cards, place, down) {
  const boxes = cards.map((made) => made.getBoundingClientRect());
  const from = boxes[place];
  const gap = ({ top, bottom }) => (down > 0 ? top - from.bottom : from.top - bottom);
  const beyond = [...cards.keys()].filter((other) => gap(boxes[other]) >= 0);
  const line = Math.min(...beyond.map((other) => gap(boxes[other])));
  const inLine = beyond.filter((other) => gap(boxes[other]) < line + from.height / 2);
  const off = (other) => Math.abs(boxes[other].left - from.left);
  return inLine.reduce((best, other) => (best < 0 || off(other) < off(best) ? other : best), -1);
}

const MOST_TREES = 3;
const TREES = new Map(); // content hash -> Tree: the last ones asked for

/* Put a text where the next paste takes it from; false where the browser allows that on secure pages only. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
