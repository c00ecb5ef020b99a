/* The tools around the picture: a closer look, letter codes, a class at a glance, keys of one's own, how it goes. Each
   is a part of its own; here are their commands, and what they hear of the labelling. */

const CODES_SHOWN = 9;
const KEEP_TYPING = ["typeCode", "awaitCode"];

class Desk {
  constructor(root, session) {
    const { data, keymap, stopper, view } = session;
    const { signal } = stopper;
    const { parts } = view;
    Object.assign(this, { root, session, keymap, parts, typed: null, known: null });
    this.lens = new Lens(parts, { signal, onRest: (scale) => this.sharpen(scale) });
    this.counted = new Pace(data, signal);
    this.paceSheet = new PaceSheet(parts, this.counted);
    this.hints = new Hints(data, parts, keymap);
    this.keySheet = new KeySheet(parts, { keymap, session, signal, uses: () => this.counted.uses });
    this.glance = new Glance(parts, {
      data,
      keymap,
      signal,
      get: (path) => session.get(path),
      onGo: (node) => session.walk.goTo(node),
    });
    keymap.onChange = () => this.onKeys();
    document.addEventListener("fullscreenchange", () => document.fullscreenElement || this.fill(false), { signal });
    signal.addEventListener("abort", () => this.fill(false));
    // The frame around us has keys of its own; what is typed in a sheet is none of its business.
    const keep = (event) => event.stopPropagation();
    for (const sheet of root.querySelectorAll("dialog")) sheet.addEventListener("keydown", keep, { signal });
    this.drawKeys();
  }

  // --- what it hears -----------------------------------------------------------------------------------------------

  /* A command was given, by key or by click. */
  hear(command) {
    this.counted.press();
    this.hints.rest();
    if (this.typed !== null && !KEEP_TYPING.includes(command)) this.leaveCode();
  }

  /* Another class tree is in use: what is open shows classes of the one before. */
  leaveTree() {
    if (this.parts.glance.open) this.parts.glance.close();
    if (this.typed !== null) this.leaveCode();
  }

  /* Another picture is on screen. */
  next() {
    this.lens.next();
  }

  /* The picture on screen comes with a suggestion, or without. */
  expect(isSuggested) {
    this.hints.see(isSuggested);
  }

  /* A label was given (by: 1) or taken back (-1); key: "" for unusable. */
  count(key, by) {
    const { tree } = this.session;
    const node = tree.find(key);
    if (key && node === undefined) return; // a class of an earlier tree, taken back
    this.counted.count({ level: key ? tree.levels[node] : -1, key, by });
    if (by > 0) this.hints.count();
  }

  // --- the picture ---------------------------------------------------------------------------------------------------

  zoom(by) {
    this.lens.zoomBy(ZOOM_STEP ** by);
  }

  moveAcross(by) {
    this.lens.moveBy(by * KEY_MOVE, 0);
  }

  moveDown(by) {
    this.lens.moveBy(0, by * KEY_MOVE);
  }

  light(by) {
    this.lens.changeLight("light", by);
  }

  contrast(by) {
    this.lens.changeLight("contrast", by);
  }

  wholePicture() {
    this.lens.reset();
  }

  toggleLens() {
    this.lens.toggle();
  }

  /* Enlarged, a picture needs more pixels: fetch them behind, and only for the picture that is still there then. */
  async sharpen(scale) {
    const { item, queue, view } = this.session;
    if (item?.state !== "ready") return;
    const address = queue.address(item, scale);
    if (item.image.src.endsWith(address)) return;
    const closer = new Image();
    Object.assign(closer, { alt: item.image.alt, draggable: false, decoding: "sync", fetchPriority: "low", src: address });
    try {
      await closer.decode();
    } catch {
      return; // what is on screen stays
    }
    if (this.session.item !== item || closer.naturalWidth <= item.image.naturalWidth) return;
    item.image = closer;
    view.put(item);
  }

  /* The whole screen for the annotator; where the browser has no such thing, at least the whole window. */
  fullScreen() {
    const isFull = !this.parts.box.classList.contains("full");
    this.fill(isFull);
    const outer = document.documentElement;
    if (isFull) outer.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) document.exitFullscreen();
  }

  fill(isFull) {
    this.parts.box.classList.toggle("full", isFull);
    this.root.host?.classList.toggle("full", isFull);
    this.session.view.fit();
  }

  // --- classes -------------------------------------------------------------------------------------------------------

  /* One key away at any level of its path, counted from 0 for the top level. */
  acceptAt(level) {
    const { suggestion, view } = this.session;
    const step = suggestion?.path[level];
    if (step) this.session.say("is", step.node);
    else view.warn(suggestion ? "The suggestion does not go down that far." : "There is no suggestion for this picture.");
  }

  /* The class picked, or where one stands, or what is suggested. */
  openGlance() {
    const { standing, suggestion, tree, item } = this.session;
    const node = standing.listed[standing.pick] ?? (standing.at || suggestion?.node || tree.children[0][0]);
    this.glance.open({ tree, item, node });
  }

  glanceAt(node) {
    this.glance.show(node);
  }

  glanceGo() {
    this.glance.go();
  }

  toggleOrder() {
    this.keymap.choose({ fixedOrder: !this.keymap.fixedOrder });
    const { standing, view } = this.session;
    view.say(this.keymap.fixedOrder ? "Classes in tree order." : "Most likely classes first.");
    standing.go(standing.at);
    this.session.draw();
  }

  // --- letter codes --------------------------------------------------------------------------------------------------

  /* All codes of this tree; made when they are first needed, and again when the person chose others. */
  get codes() {
    const { tree } = this.session;
    if (this.known?.tree !== tree || this.knownOwn !== this.keymap.codes) {
      Object.assign(this, { known: Codes.forAll(tree, this.keymap.codes), knownOwn: this.keymap.codes });
    }
    return this.known;
  }

  /* The code of a class, as far as all are known: making them takes a large tree longer than a picture may wait. */
  codeOf(node) {
    const { tree } = this.session;
    if (this.known?.tree === tree && this.knownOwn === this.keymap.codes) return this.codes.code(node);
    this.making ??= setTimeout(() => {
      this.making = null;
      if (this.session.tree && this.codes) this.session.draw();
    }, WARM_UP_MS);
    return "";
  }

  startCode() {
    this.type("");
  }

  /* One more letter of a code; "" takes the last one away. The last letter of a code labels. */
  typeCode(letter) {
    const typed = letter ? (this.typed ?? "") + letter : this.typed.slice(0, -1);
    const node = this.codes.node(typed);
    if (node !== undefined) {
      if (this.typed !== null) this.keymap.codeEnded = performance.now(); // a lone letter needs no time to end
      this.leaveCode();
      this.session.say("is", node);
    } else if (this.codes.beginnings.has(typed) || !typed) this.type(typed);
    else this.session.view.warn(`No class has a code that begins with “${typed}”.`);
  }

  /* Who types on after the last letter, the class's name perhaps, means nothing for the next picture. */
  pastCode(letter) {
    this.keymap.codeEnded = performance.now();
    this.session.view.warn(`The code was whole before “${letter}”, which did nothing.`);
  }

  /* Enter is a word for where one stands; in the middle of a code it would label what nobody meant. */
  awaitCode() {
    this.session.view.warn("Type a code, or Esc.");
  }

  leaveCode() {
    this.type(null);
  }

  sayClass(node) {
    this.session.say("is", node);
  }

  type(typed) {
    this.typed = typed;
    this.keymap.isTyping = typed !== null;
    const { box, codeBox, codeTyped, codeMore, codeRows } = this.parts;
    codeBox.hidden = typed === null;
    box.classList.toggle("typing", typed !== null);
    if (typed === null) return;
    codeTyped.textContent = typed.toUpperCase();
    const { tree } = this.session;
    const all = this.codes.after(typed);
    const found = all.slice(0, CODES_SHOWN);
    const more = all.length - found.length;
    codeMore.textContent = more ? `${whole(more)} more as you type` : "";
    const drawn = found.map(([code, node]) => {
      const item = element("li");
      item.append(button("sayClass", node, element("kbd", "", code), named(tree.names[node], "name")));
      return item;
    });
    codeRows.replaceChildren(...drawn);
  }

  // --- sheets ----------------------------------------------------------------------------------------------------------

  help() {
    this.keySheet.open();
  }

  openPace() {
    this.paceSheet.open();
  }

  closeHints() {
    this.hints.close();
  }

  onKeys() {
    this.drawKeys();
    if (this.session.tree) this.session.draw();
  }

  /* The keys that stand on buttons. */
  drawKeys() {
    for (const shown of this.root.querySelectorAll("kbd[data-of]")) {
      const key = this.keymap.keyFor(shown.dataset.of);
      shown.textContent = key;
      shown.hidden = !key;
    }
    this.hints.draw();
  }
}
