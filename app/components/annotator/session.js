/* One person labelling: what is on screen, where in the tree they stand, and what each command does. */

class Session {
  constructor({ root, data, send }) {
    const run = (command, argument) => this.run(command, argument);
    const get = (path) => this.get(path);
    const post = (path, body) => this.get(path, body);
    this.stopper = new AbortController();
    const { signal } = this.stopper;
    Object.assign(this, { data, send, tree: null, item: null, counts: null, made: 0 });
    this.memory = new Memory(data);
    this.memory.forget(data.gone);
    this.standing = new Standing();
    this.watch = new Watch(signal);
    this.keymap = new Keymap(data);
    this.view = new View(root, { signal, run, keymap: this.keymap });
    this.walk = new Walk(this);
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
      choice: data.queue.choice,
      get,
      post,
      isDone: (id, pass) => this.memory.isDone(id, pass) || this.outbox.holds(id),
      side: (item) => this.view.pictureSide(item),
      onAnswer: (value) => this.hear(value),
      onChange: () => this.refresh(),
      skipped: this.memory.skipped,
    });
    this.left = new Left({ get, onChange: () => this.drawStatus() });
    this.hold = new Hold({ queue: this.queue, post, signal, onEnd: () => this.lookAgain() });
    this.reopening = new Reopening({
      get,
      onItem: (item, word, whence) => this.reopen(item, word, whence),
      onTrouble: (text) => this.view.warn(text),
    });
    this.desk = new Desk(root, this);
    const meaning = (event) => this.keymap.commandOf(event) ?? (this.wayBack && BACK_KEYS[event.key]);
    listenToKeys({ root, run, signal, meaning, repeatable: REPEATABLE });
    const lost = "The app cannot be reached. You can go on: labels wait here.";
    goOnWithoutApp({ signal, onLost: () => this.view.warn(lost) });
    window.addEventListener("online", () => this.tryNow(), { signal });
    window.addEventListener("beforeunload", (event) => this.outbox.isKept || event.preventDefault(), { signal });
    this.show();
    this.versions.hearOf(data.taxonomy);
    this.left.begin(data.queue.choice);
    this.reopening.hear(data.reopen).then(() => this.queue.fill());
    if (data.remember) ask("/api/session", { token: data.token, body: {} });
  }

  close() {
    this.stopper.abort();
    this.outbox.close();
    this.queue.close();
  }

  /* Fresh data from the page: a new token, perhaps. */
  update(data) {
    const { choice, round } = this.data.queue;
    this.data = data;
    this.memory.forget(data.gone);
    this.outbox.setToken(data.token);
    if (data.queue.choice !== choice || data.queue.round !== round) this.chooseAnew(data.queue.choice);
    else if (this.queue.problem?.kind === "locked") this.queue.fill();
    this.reopening.hear(data.reopen);
    this.drawStatus();
  }

  /* Other pictures, or the same queue from its start: the app knows best what is left. */
  chooseAnew(choice) {
    this.memory.labelled.clear();
    this.left.begin(choice);
    this.queue.choose(choice);
  }

  run(command, argument) {
    if (!COMMANDS.has(command) || (!this.tree && !TREELESS.has(command))) return;
    this.view.hush();
    this.desk.hear(command);
    [this, this.walk, this.desk].find((part) => part[command])[command](argument);
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

  /* An answer of the queue: how much is done, and which class tree is in use. */
  hear({ counts, taxonomy, ended, people, reserve_s: reserveSeconds }) {
    this.count(counts);
    this.left.hear(!ended, people);
    this.hold.lasts(reserveSeconds);
    this.versions.hearOf(taxonomy);
  }

  /* How much is done, as the app says; what it has not stored yet comes on top. */
  count(counts) {
    if (counts.at < this.counts?.at) return; // answers may overtake each other
    this.counts = counts;
    this.made = this.outbox.waiting.filter(({ uid, body }) => body && this.memory.isNew(uid)).length;
    if (this.item || !this.queue) this.view.drawProgress(this);
    else this.draw(); // at the end it is told whether all is labelled
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
    const tree = this.versions.take();
    if (tree !== this.tree) this.desk.leaveTree();
    this.tree = tree;
    if (this.item !== this.queue.current) this.desk.next();
    this.item = this.queue.current;
    this.seen = null;
    this.watch.restart();
    this.suggest();
    this.standing.begin(this.tree, (node) => this.weigh(node));
    if (this.item && this.item.id === this.reopened?.id) this.standing.go(this.tree?.find(this.reopened.node) ?? 0);
    if (tree) this.keymap.reach(tree.depth);
    this.view.leaveSearch();
    this.draw();
  }

  /* What the model suggests for the picture on screen, less what was ruled out; null where nothing is left. */
  suggest() {
    const { item, tree } = this;
    this.suggestion = tree && item?.suggestion ? Suggestion.of(item.suggestion, tree) : null;
    const ruledOut = item ? this.memory.against(item.id).map((act) => tree?.find(act.node)) : [];
    if (!ruledOut.every((node) => this.suggestion?.retreatFrom(node))) this.suggestion = null;
    this.desk.expect(this.suggestion !== null);
  }

  /* What was ruled out for this picture comes last, what the model expects comes first; unless a digit shall mean the
     same class on every picture. */
  weigh(node) {
    if (this.keymap.fixedOrder) return 0;
    const isOut = this.item && this.memory.against(this.item.id).some((act) => act.node === this.tree.keys[node]);
    return isOut ? -1 : this.suggestion?.mass.get(node) ?? 0;
  }

  draw() {
    this.view.draw(this);
    this.drawStatus();
  }

  drawStatus() {
    if (!this.queue) return; // the outbox begins to work before there is a queue
    this.view.drawStatus(this);
    this.view.drawQueueName(this.data.queue, this.left.of(this.queue));
  }

  // --- saying something ------------------------------------------------------------------------------------------

  /* A key pressed twice must not call the next picture by the root: nobody has seen it yet. */
  label() {
    const { at } = this.standing;
    if (!at && this.item?.state === "ready" && this.watch.read() < SLIP_S) {
      this.view.warn(`Nothing was labelled: this picture has only just come. Once more calls it ${this.tree.names[0]}.`);
    } else this.say("is", at);
  }

  accept() {
    if (this.suggestion) this.say("is", this.suggestion.node);
    else this.view.warn("There is no suggestion for this picture.");
  }

  /* Make the suggestion coarser (-1) or finer (+1), and stand there. */
  shift(by) {
    if (this.suggestion) this.walk.goTo(this.suggestion.shift(by));
  }

  notThis() {
    const node = this.standing.at || this.suggestion?.node;
    if (!node) this.view.warn("Go to a class first; then you can say that it is not this one.");
    else if (this.say("is_not", node)) {
      this.suggest();
      this.walk.goTo(this.tree.parents[node]);
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
    const { choice, pass } = this.queue;
    if (choice !== "unlabelled") shown.queue = choice.slice(0, LONGEST_SHOWN);
    const isNew = !pass && !this.memory.knows(item.id) && item.id !== this.reopened?.id;
    this.made += isNew;
    this.memory.push({ uid, kind, node: key, name, item, pass, isNew });
    if (FINAL.includes(kind)) {
      this.goOnFrom(item);
      this.left.done(item);
    }
    this.outbox.addLabel({ uid, image_id: item.id, node: key, kind, taxonomy: tree.version, seconds, shown });
    if (FINAL.includes(kind)) this.queue.shift();
    if (FINAL.includes(kind)) this.desk.count(key, 1);
    this.remember();
    this.view.say(`${VERBS[kind]} ${name}.`);
    this.refresh();
    return true;
  }

  /* This picture is done. */
  goOnFrom(item) {
    this.reopened = null;
    if (item.id !== this.wayBack?.id) this.wayBack = null;
  }

  skip() {
    if (!this.item) return;
    this.memory.push({ uid: null, kind: "skip", node: "", name: "", item: this.item });
    this.goOnFrom(this.item);
    this.left.done(this.item);
    const said = this.memory.against(this.item.id).at(-1);
    if (said) this.queue.leave();
    else this.queue.skip();
    this.remember();
    if (said) this.view.warn(`“Not ${said.name}” stays, and is the label of that picture.`);
    else this.view.say("Skipped.");
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
    this.made -= act.isNew ? 1 : 0;
    if (FINAL.includes(act.kind)) this.desk.count(act.node, -1);
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
    this.hold.renew();
    this.remember();
    this.refresh();
    this.suggest();
    const node = this.tree.find(act.node) ?? 0;
    this.walk.goTo(this.tree.isLeaf(node) ? Math.max(this.tree.parents[node], 0) : node);
  }

  /* Show a picture out of its turn; the class that this person said before stands chosen. The way back to where it
     came from (whence: its name) is offered until the picture after it is done, too. */
  reopen(item, word, whence) {
    this.reopened = { id: item.id, node: word?.node ?? "" };
    this.wayBack = { id: item.id, whence };
    this.queue.unshift(item);
    this.refresh();
    if (word) this.view.warn("Once more: what you say now counts.");
  }

  goBack() {
    this.send("back", true);
  }

  remember() {
    this.memory.save(this.queue.skipped);
  }

  // --- around it ---------------------------------------------------------------------------------------------------

  again() {
    this.memory.labelled.clear(); // the app knows best what is left
    this.left.begin(this.queue.choice);
    this.queue.again();
    this.remember();
  }

  lookAgain() {
    this.memory.labelled.clear();
    this.left.begin(this.queue.choice);
    this.queue.lookAgain();
  }

  /* The page asks which pictures shall come. */
  chooseQueue() {
    this.send("choose", true);
  }

  openRefused() {
    new RefusedSheet(this.view.parts, this.outbox).open();
  }

  leave() {
    this.send("leave", true);
  }
}

const BACK_KEYS = { Escape: ["goBack"] };
const SLIP_S = 0.3; // a picture seen for less than this was not looked at
const LONGEST_SHOWN = 100; // letters of a queue's name that go with a label
const VERBS = { is: "Labelled:", is_not: "Not", none_here: "None of the classes of", unusable: "Marked:" };
