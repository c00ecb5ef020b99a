/* One person labelling: what is on screen, where in the tree they stand, and what each command does. */

class Session {
  constructor({ root, data, send }) {
    const run = (command, argument) => this.run(command, argument);
    const get = (path) => this.get(path);
    this.stopper = new AbortController();
    const { signal } = this.stopper;
    Object.assign(this, { data, send, tree: null, item: null, counts: null, made: 0 });
    this.memory = new Memory(data);
    this.standing = new Standing();
    this.watch = new Watch(signal);
    this.view = new View(root, { signal, run });
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
      onNewer: () => this.view.warn("The class tree has changed. The new one counts from the next picture."),
      onTrouble: () => this.draw(),
    });
    this.queue = new Queue({
      place: data.place,
      get,
      isDone: (id) => this.memory.labelled.has(id) || this.outbox.holds(id),
      side: (item) => this.view.pictureSide(item),
      onAnswer: (value) => this.hear(value),
      onChange: () => this.refresh(),
      skipped: this.memory.skipped,
    });
    listenToKeys({ root, run, signal });
    const lost = "The app cannot be reached. You can go on: labels wait here.";
    goOnWithoutApp({ signal, onLost: () => this.view.warn(lost) });
    window.addEventListener("online", () => this.tryNow(), { signal });
    this.show();
    this.versions.hearOf(data.taxonomy);
    this.queue.fill();
    if (data.remember) ask("/api/session", { token: data.token, body: {} });
  }

  close() {
    this.stopper.abort();
    this.outbox.close();
    this.queue.close();
  }

  /* Fresh data from the page: a new token, perhaps. */
  update(data) {
    this.data = data;
    this.outbox.setToken(data.token);
    if (this.queue.problem?.kind === "locked") this.queue.fill();
  }

  run(command, argument) {
    const isAllowed = COMMANDS.has(command) && (this.tree || TREELESS.has(command));
    if (isAllowed) this[command](argument);
  }

  // --- the app ---------------------------------------------------------------------------------------------------

  async get(path) {
    const answer = await ask(path, { token: this.data.token });
    if (answer.kind === "locked") this.renew();
    return answer;
  }

  /* Have the page sign a new token; not more than every ten seconds, in case that does not help. */
  renew() {
    if (Date.now() - (this.renewedAt ?? 0) < 10000) return;
    this.renewedAt = Date.now();
    this.send("renew", true);
  }

  /* An answer of the queue: how much is done, and which class tree is in use. */
  hear({ counts, taxonomy }) {
    this.count(counts);
    this.versions.hearOf(taxonomy);
  }

  /* How much is done, as the app says; what it has not stored yet comes on top. */
  count(counts) {
    if (counts.at < this.counts?.at) return; // answers may overtake each other
    this.counts = counts;
    this.made = this.outbox.waiting.filter(({ body }) => FINAL.includes(body?.kind)).length;
    this.view.drawProgress(this);
  }

  tryNow() {
    this.outbox.wake();
    this.queue.reload();
    this.queue.fill();
    if (this.versions.problem) this.versions.load();
  }

  // --- what is on screen -------------------------------------------------------------------------------------------

  /* The queue changed: show its first picture if it is another one, or its news. */
  refresh() {
    if (this.queue.current !== this.item) this.show();
    else this.draw();
    if (this.item?.state !== "ready" || this.seen === this.item) return;
    this.seen = this.item;
    this.watch.restart(); // looking begins when there is something to see
  }

  /* Begin with the picture at the head of the queue. */
  show() {
    this.tree = this.versions.take();
    this.item = this.queue.current;
    this.seen = null;
    this.watch.restart();
    this.suggest();
    this.standing.begin(this.tree, (node) => this.weigh(node));
    this.view.leaveSearch();
    this.draw();
  }

  /* What the model suggests for the picture on screen, less what was ruled out; null where nothing is left. */
  suggest() {
    const { item, tree } = this;
    this.suggestion = tree && item?.suggestion ? Suggestion.of(item.suggestion, tree) : null;
    const ruledOut = item ? this.memory.against(item.id).map((act) => tree?.find(act.node)) : [];
    if (!ruledOut.every((node) => this.suggestion?.retreatFrom(node))) this.suggestion = null;
  }

  /* What was ruled out for this picture comes last, what the model expects comes first. */
  weigh(node) {
    const isOut = this.item && this.memory.against(this.item.id).some((act) => act.node === this.tree.keys[node]);
    return isOut ? -1 : this.suggestion?.mass.get(node) ?? 0;
  }

  draw() {
    this.view.draw(this);
    this.drawStatus();
  }

  drawStatus() {
    if (this.queue) this.view.drawStatus(this); // the outbox begins to work before there is a queue
  }

  // --- moving in the tree --------------------------------------------------------------------------------------------

  goTo(node) {
    this.leaveSearch();
    this.standing.go(node);
    this.draw();
  }

  /* Go to a class; one without classes below is the answer itself. */
  choose(node) {
    this.goTo(node);
    if (this.tree.isLeaf(node)) this.say("is", node);
  }

  /* Row 0 to 8 of the page on screen. */
  row(place) {
    const node = this.standing.listed[this.standing.start + place];
    if (node !== undefined) this.choose(node);
  }

  up() {
    if (this.standing.at) this.goTo(this.tree.parents[this.standing.at]);
  }

  pick(by) {
    this.standing.movePick(by);
    this.draw();
  }

  page(by) {
    this.standing.turnPage(by);
    this.draw();
  }

  /* Into the picked row: from a search this chooses it, in the tree it only goes there. */
  enterPick() {
    const node = this.standing.listed[this.standing.pick];
    if (node === undefined) return;
    if (this.standing.query) this.choose(node);
    else this.goTo(node);
  }

  search() {
    this.view.focusSearch();
  }

  searchFor(text) {
    this.standing.searchFor(text);
    this.draw();
  }

  leaveSearch() {
    this.view.leaveSearch();
    if (this.standing.query) this.searchFor("");
  }

  // --- saying something ------------------------------------------------------------------------------------------

  label() {
    this.say("is", this.standing.at);
  }

  accept() {
    if (this.suggestion) this.say("is", this.suggestion.node);
    else this.view.warn("There is no suggestion for this picture.");
  }

  /* Make the suggestion coarser (-1) or finer (+1), and stand there. */
  shift(by) {
    if (this.suggestion) this.goTo(this.suggestion.shift(by));
  }

  notThis() {
    const node = this.standing.at || this.suggestion?.node;
    if (!node) this.view.warn("Go to a class first; then you can say that it is not this one.");
    else if (this.say("is_not", node)) {
      this.suggest();
      this.goTo(this.tree.parents[node]);
    }
  }

  noneHere() {
    const { at } = this.standing;
    if (this.tree.isLeaf(at)) this.view.warn("There are no classes below this one.");
    else this.say("none_here", at);
  }

  unusable() {
    this.say("unusable", -1);
  }

  /* Record a statement about the picture on screen. Returns whether it was recorded. */
  say(kind, node) {
    const { item, tree, suggestion } = this;
    if (!item) return false;
    if (item.state !== "ready" && kind !== "unusable") {
      this.view.warn("The picture is still on its way; nothing was labelled.");
      return false;
    }
    const key = node < 0 ? "" : tree.keys[node];
    const name = node < 0 ? "Unusable" : tree.names[node];
    const uid = newUid();
    const seconds = this.watch.read();
    const shown = suggestion ? { suggestion: suggestion.key, run: suggestion.run } : {};
    this.made += FINAL.includes(kind) && !this.memory.labelled.has(item.id);
    this.memory.push({ uid, kind, node: key, name, item });
    this.outbox.addLabel({ uid, image_id: item.id, node: key, kind, taxonomy: tree.version, seconds, shown });
    if (FINAL.includes(kind)) this.queue.shift();
    this.remember();
    this.view.say(`${VERBS[kind]} ${name}.`);
    this.refresh();
    return true;
  }

  skip() {
    if (!this.item) return;
    this.memory.push({ uid: null, kind: "skip", node: "", name: "", item: this.item });
    this.queue.skip();
    this.remember();
    this.view.say("Skipped.");
    this.refresh();
  }

  /* Take back the last thing done, and show its picture again. */
  undo() {
    const act = this.memory.pop();
    if (act) this.takeBack(act);
  }

  /* Take back one "it is not …". */
  unsay(uid) {
    this.takeBack(this.memory.remove(uid));
  }

  takeBack(act) {
    if (act.uid) this.outbox.takeBack(act.uid);
    this.made -= FINAL.includes(act.kind) && !this.memory.labelled.has(act.item.id);
    this.bringBack(act);
    this.view.say(act.kind === "skip" ? "Back to the skipped picture." : `Taken back: ${act.name}.`);
  }

  /* Show the picture of an earlier label again, to say something else about it; the latest word counts. */
  revisit(place) {
    const act = this.memory.labels(place + 1)[place];
    if (act) this.bringBack(act);
  }

  bringBack(act) {
    if (this.item?.id !== act.item.id) this.queue.unshift({ ...act.item });
    this.remember();
    this.refresh();
    this.suggest();
    const node = this.tree.find(act.node) ?? 0;
    this.goTo(this.tree.isLeaf(node) ? Math.max(this.tree.parents[node], 0) : node);
  }

  remember() {
    this.memory.save(this.queue.skipped);
  }

  // --- around it ---------------------------------------------------------------------------------------------------

  again() {
    this.memory.labelled.clear(); // the app knows best what is left
    this.queue.restart({ withSkipped: true });
    this.remember();
  }

  help() {
    this.view.openHelp();
  }

  openRefused() {
    this.view.openRefused(this.outbox);
  }

  leave() {
    this.send("leave", true);
  }
}

const VERBS = { is: "Labelled:", is_not: "Not", none_here: "None of the classes of", unusable: "Marked:" };
