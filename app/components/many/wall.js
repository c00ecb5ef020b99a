/* One person labelling a screen of pictures at a time: which are in, where in the tree they stand, what each command
   does. What was said goes out as in the annotator, one label for each picture. */

const SIZE_KEY = "hmgc.many.size";
const REFIT_MS = 300; // after the window has come to rest

class Wall {
  constructor({ root, data, send }) {
    const run = (command, argument) => this.run(command, argument);
    const get = (path) => this.get(path);
    const post = (path, body) => this.get(path, body);
    this.stopper = new AbortController();
    const { signal } = this.stopper;
    Object.assign(this, { data, send, tree: null, screen: null, counts: null, made: 0 });
    this.batches = new Batches(data);
    this.standing = new Standing();
    this.watch = new Watch(signal);
    this.pace = new Pace(data, signal);
    this.view = new WallView(root, { signal, run, size: recall(localStorage, SIZE_KEY, null) });
    this.view.onRoom = () => this.refit();
    this.walk = new WallWalk(this);
    this.choice = new Choice({
      tiles: () => this.tiles,
      doubts: () => this.doubts,
      view: this.view,
      onMarks: () => this.marksChanged(),
      onMove: () => this.draw(),
    });
    this.outbox = new Outbox({
      ...data,
      onChange: () => this.drawStatus(),
      onSaved: ({ counts }) => this.count(counts),
      onLocked: () => this.renew(),
    });
    this.versions = new Versions({
      get,
      signal,
      onFirst: () => this.show(),
      onNewer: () => this.view.warn("The class tree has changed. The new one counts from the next screen."),
      onTrouble: () => this.draw(),
    });
    this.screens = new Screens({
      place: data.place,
      get,
      room: () => this.view.tiles.room,
      waiting: () => [...this.outbox.waiting, ...this.outbox.elsewhere].map(({ body }) => body?.image_id).filter(Boolean),
      onAnswer: (value) => this.hear(value),
      onChange: () => this.refresh(),
      aside: this.batches.aside,
      marks: this.batches.marks,
    });
    const inSight = new InSight(this.screens, (held, asked) => this.keep(held, asked));
    this.hold = new Hold({ queue: inSight, post, signal, onEnd: () => this.screens.restart() });
    window.addEventListener("focus", () => this.hold.renew(), { signal });
    listenToKeys({ root, run, signal, meaning: wallCommand, repeatable: WALL_REPEATABLE });
    const lost = "The app cannot be reached. You can go on: labels wait here.";
    goOnWithoutApp({ signal, onLost: () => this.view.warn(lost) });
    window.addEventListener("online", () => this.tryNow(), { signal });
    this.show();
    this.versions.hearOf(data.taxonomy);
    this.screens.fill();
    if (data.remember) ask("/api/session", { token: data.token, body: {} });
  }

  close() {
    this.stopper.abort();
    clearTimeout(this.refitting);
    this.outbox.close();
    this.screens.close();
  }

  /* Fresh data from the page: a new token, perhaps. */
  update(data) {
    this.data = data;
    this.outbox.setToken(data.token);
    if (this.screens.problem?.kind === "locked") this.screens.fill();
  }

  run(command, argument) {
    if (!WALL_COMMANDS.has(command) || (!this.tree && !WALL_TREELESS.has(command))) return;
    if (command !== "peek") this.press(); // a mouse that rests says nothing
    [this.choice, this.walk, this].find((part) => part[command])[command](argument);
  }

  press() {
    this.pace.press();
    this.view.hush();
  }

  // --- the app ---------------------------------------------------------------------------------------------------

  /* One request; with a body it is a POST. */
  async get(path, body) {
    const answer = await ask(path, { token: this.data.token, body });
    if (answer.kind === "locked") this.renew();
    return answer;
  }

  /* Have the page sign a new token; not more than every ten seconds, in case that does not help. */
  renew() {
    if (Date.now() - (this.renewedAt ?? 0) < 10000) return;
    this.renewedAt = Date.now();
    this.send("renew", true);
  }

  /* An answer of the app: how much is done, and which class tree is in use. */
  hear({ counts, taxonomy, reserve_s: reserveSeconds }) {
    this.count(counts);
    this.hold.lasts(reserveSeconds);
    this.versions.hearOf(taxonomy);
  }

  /* How much is done, as the app says; what it has not stored yet comes on top. */
  count(counts) {
    if (counts.at < this.counts?.at) return; // answers may overtake each other
    this.counts = counts;
    this.made = this.outbox.waiting.filter(({ body }) => body).length;
    this.view.drawProgress(this);
  }

  tryNow() {
    this.outbox.wake();
    this.screens.reload();
    this.screens.fill();
    if (this.versions.problem) this.versions.load();
  }

  again() {
    this.screens.restart();
  }

  // --- what is on screen -----------------------------------------------------------------------------------------

  /* Only what is in sight is labelled. */
  get tiles() {
    return this.screen?.tiles.slice(0, this.view.tiles.room.count) ?? [];
  }

  refresh() {
    if (this.screens.current !== this.screen) this.show();
    else this.draw();
  }

  /* Begin with a screen, at the root of the tree. */
  show() {
    this.tree = this.versions.take();
    if (this.screen !== (this.screens?.current ?? null)) this.hold.renew(); // others get other pictures from now on
    this.screen = this.screens?.current ?? null;
    this.opinions = new Opinions(this.tree);
    this.choice.begin();
    this.watch.restart();
    this.expected = this.opinions.together(this.tiles);
    this.standing.begin(this.tree, (node) => this.expected?.mass.get(node) ?? 0);
    this.suggest();
    this.view.leaveSearch();
    this.draw();
  }

  /* What the model says about all that are in. The rows keep the order they began with: a digit stays with its class. */
  suggest() {
    this.suggestion = this.opinions.together(this.choice.having("in"));
  }

  /* For each tile what the model takes it for, where that is not the class in question; else "". */
  get doubts() {
    return this.opinions.doubts(this.tiles, this.standing.at || this.suggestion?.node);
  }

  draw() {
    if (!this.screens) return; // the view fits itself before there is anything to show
    this.view.draw(this);
    this.drawStatus();
  }

  drawStatus() {
    if (this.screens) this.view.drawStatus({ outbox: this.outbox, queue: this.screens, data: this.data });
  }

  /* Of the pictures asked about, these are ours; the others go, so that nobody labels what is done already. */
  keep(held, asked) {
    let lost = 0;
    this.choice.through(() => (lost = this.screens.keep(held, asked)));
    if (!lost) return;
    this.suggest();
    this.refresh();
    this.rememberMarks();
    this.view.warn(`${count(lost, "picture", "pictures")} left this screen: labelled by now, or in other hands.`);
  }

  /* Other pictures are in than before. */
  marksChanged() {
    this.suggest();
    this.rememberMarks();
    this.view.say(`${this.choice.having("in").length} of ${this.tiles.length} in.`);
    this.draw();
  }

  /* Beside the mouse, as long as it rests on a tile; -1: not any more. */
  peek(place) {
    if (this.choice.large < 0) {
      this.view.peek(this.tiles[place], { place, address: (...asked) => this.screens.address(...asked) });
    }
  }

  refit() {
    this.draw();
    clearTimeout(this.refitting);
    this.refitting = setTimeout(() => this.screens?.refit(), REFIT_MS);
  }

  size(by) {
    this.setSize(this.view.tiles.wanted + by * SIZES.step);
  }

  setSize(pixels) {
    const hasChanged = this.view.setSize(pixels);
    remember(localStorage, SIZE_KEY, this.view.tiles.size);
    if (hasChanged) this.refit();
  }

  // --- saying something ------------------------------------------------------------------------------------------

  /* Make the suggestion coarser (-1) or finer (+1), and stand there. */
  shift(by) {
    if (this.suggestion) this.walk.goTo(this.suggestion.shift(by));
  }

  label() {
    if (this.standing.at) this.finish(this.standing.at);
    else this.view.warn("Go to a class first, or press Space for the suggestion.");
  }

  accept() {
    if (this.suggestion?.node) this.finish(this.suggestion.node);
    else this.view.warn("The model is not sure enough of one class for these pictures. Take some out, or go to a class.");
  }

  /* On a tile: take it out, or put it back in. At the tiles but on none: go to the first. Else accept. */
  space() {
    if (this.choice.cursor >= 0 || this.choice.large >= 0) this.choice.toggle();
    else if (this.view.isAtTiles) this.choice.walk([1, 0]);
    else this.accept();
  }

  /* On to the next screen; what is marked unusable is said, all else is put aside. */
  pass() {
    if (this.tiles.length) this.record([], 0);
  }

  /* Label all that are in as this class. */
  finish(node) {
    const inside = this.choice.having("in");
    if (!inside.length) this.view.warn("No picture is in. Press A to put all in, or S to go on.");
    else if (inside.some(({ state }) => state !== "ready")) {
      this.view.warn("Some pictures are still on their way; nothing was labelled.");
    } else this.record(inside, node);
  }

  /* Say of these tiles that they are this class, and which are unusable; put the rest aside, and go on. */
  record(inside, node) {
    const { tiles, tree, screen } = this;
    const unusable = this.choice.having("unusable");
    const seconds = Math.round((100 * this.watch.read()) / tiles.length) / 100;
    const shown = { grid: tiles.length, run: screen.run, suggestion: this.suggestion?.key ?? null };
    const [key, name] = node ? [tree.keys[node], tree.names[node]] : ["", ""];
    const say = (tile, kind, said) =>
      this.sendLabel({ image_id: tile.id, node: said, kind, taxonomy: tree.version, seconds, shown });
    const uids = [...inside.map((tile) => say(tile, "is", key)), ...unusable.map((tile) => say(tile, "unusable", ""))];
    this.putAside(new Set([...inside, ...unusable]));
    const counts = { labelled: inside.length, unusable: unusable.length };
    this.batches.push({ uids, node: key, name, ...counts, screen: { ...screen, tiles } });
    this.made += uids.length;
    this.tally(this.batches.last, 1);
    this.screens.advance(tiles.length);
    this.refresh();
    this.remember();
    this.view.say(`Done: ${doneWords(this.batches.last)}.`);
  }

  /* All of the screen that is not done. What was not in sight comes anyway, unless it is from those put aside. */
  putAside(done) {
    const shown = this.screen.isRound ? this.screen.tiles : this.tiles;
    shown.filter((tile) => !done.has(tile)).forEach(({ id }) => this.screens.aside.add(id));
  }

  sendLabel(label) {
    const uid = newUid();
    this.outbox.addLabel({ uid, ...label });
    return uid;
  }

  /* Take back the last screen, whole, and show it again as it was. */
  undo() {
    const act = this.batches.pop();
    if (!act) return;
    act.uids.forEach((uid) => this.outbox.takeBack(uid));
    this.made -= act.uids.length;
    this.tally(act, -1);
    this.screens.bringBack(act.screen);
    this.show();
    this.walk.goTo(this.tree.find(act.node) ?? 0);
    this.remember();
    this.view.say(`Taken back: ${doneWords(act)}.`);
  }

  /* Show those put aside, most alike together. */
  takeAside() {
    if (this.screens.aside.size) this.screens.beginRound();
    this.refresh();
    this.remember();
  }

  /* For the person's own account of how it goes: a screen was labelled (by: 1) or taken back (-1). */
  tally({ node, labelled, unusable }, by) {
    const found = this.tree.find(node); // a class of an earlier tree has no level in this one
    if (labelled && found !== undefined) this.pace.count({ level: this.tree.levels[found], key: node, by: by * labelled });
    if (unusable) this.pace.count({ level: -1, key: "", by: by * unusable });
  }

  remember() {
    this.batches.save(this.screens.keptAside);
    this.rememberMarks();
  }

  /* What a person marked; not what is out only because it cannot be shown. */
  rememberMarks() {
    const marked = (this.screen?.tiles ?? []).filter(({ mark, isForced }) => mark !== "in" && !isForced);
    this.batches.saveMarks([...this.screens.marks, ...marked.map(({ id, mark }) => [id, mark])]);
  }

  // --- around it -------------------------------------------------------------------------------------------------

  help() {
    this.view.parts.help.showModal();
  }

  openRefused() {
    new RefusedSheet(this.view.parts, this.outbox).open();
  }

  handOver() {
    this.send("leave", true);
  }
}
