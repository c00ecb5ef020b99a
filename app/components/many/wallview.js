/* What labelling many at once looks like: the annotator's view, with a screen of tiles in place of its picture. */

const LARGE = [640, 1280]; // pixels asked for: beside the mouse, and over the whole frame

/* What a whole screen gets takes a key of its own: here a step is only gone to. */
class WallLadder extends Ladder {
  draw(wall) {
    super.draw(wall);
    const { choice, screens, suggestion, tree } = wall;
    this.parts.mixed.hidden = Boolean(suggestion) || !tree || !choice.having("in").length || !screens.current.run;
  }

  keyAt() {
    return "";
  }

  button(node, _place, name) {
    const made = button("goTo", node);
    made.title = `Go to ${name}`;
    return made;
  }
}

class WallView extends View {
  constructor(root, { signal, run, size }) {
    super(root, { signal, run });
    const { tiles: list, frame, sizer } = this.parts;
    this.tiles = new Tiles({ list, frame, size, signal, run });
    Object.assign(sizer, { min: SIZES.least, max: SIZES.most, step: SIZES.step, value: this.tiles.wanted });
    sizer.addEventListener("input", () => run("setSize", Number(sizer.value)), { signal });
    list.addEventListener("blur", () => (this.hasBroughtFocus = false), { signal });
    sizer.addEventListener("change", () => sizer.blur(), { signal }); // the keys belong to the pictures again
  }

  makeLadder() {
    return new WallLadder(this.parts);
  }

  fit() {
    super.fit();
    if (this.tiles?.fit()) this.onRoom?.();
  }

  setSize(pixels) {
    const hasChanged = this.tiles.resize(pixels);
    this.parts.sizer.value = this.tiles.size;
    return hasChanged;
  }

  // --- the keyboard's place ----------------------------------------------------------------------------------------

  get isAtTiles() {
    return this.parts.tiles.matches(":focus");
  }

  /* The arrows bring the focus to the tiles. */
  focusTiles() {
    if (this.isAtTiles) return;
    this.parts.tiles.focus({ preventScroll: true });
    this.hasBroughtFocus = true;
  }

  leaveTiles() {
    this.parts.tiles.blur();
  }

  /* For a new screen: who came by Tab stays, what the arrows brought goes, so that Space accepts again. */
  giveBackFocus() {
    if (this.hasBroughtFocus) this.leaveTiles();
  }

  /* A tile large: in the half of the frame where the mouse is not. undefined: none. */
  peek(tile, { place, address }) {
    const isLeft = place % this.tiles.room.columns < this.tiles.room.columns / 2;
    this.enlarge(tile, { source: tile && address(tile, LARGE[0]), side: isLeft ? "right" : "left" });
  }

  enlarge(tile, { source, side }) {
    const { large, largePicture, largeActions } = this.parts;
    large.hidden = !tile;
    if (!tile) return;
    large.dataset.side = side;
    largeActions.hidden = side !== "all";
    if (largePicture.getAttribute("src") !== source) largePicture.src = source;
    largePicture.alt = `Picture ${tile.id}, large`;
  }

  draw(wall) {
    this.drawPictures(wall);
    this.drawHere(wall);
    this.ladder.draw(wall);
    this.drawRows(wall);
    this.drawActions(wall);
  }

  drawPictures({ tiles, choice, doubts, screens, ...rest }) {
    const { message, queued, aside, asideText } = this.parts;
    this.tiles.draw(tiles, { cursor: choice.cursor, doubts });
    this.parts.box.classList.toggle("walking", choice.cursor >= 0 || choice.large >= 0);
    message.hidden = tiles.length > 0;
    if (!tiles.length) this.drawMessage(wallMessage({ screens, ...rest }));
    queued.hidden = !tiles.length || screens.current.order === "alike";
    queued.textContent = screens.current?.run ? UNSEEN : UNTRAINED;
    aside.hidden = !screens.aside.size || screens.round.length > 0;
    asideText.textContent = `${screens.aside.size.toLocaleString()} put aside`;
    this.drawLarge(tiles, choice.large, screens);
  }

  drawOrder({ standing: { listed, query }, suggestion }) {
    this.parts.order.hidden = Boolean(query) || !listed.some((node) => suggestion?.shown.get(node) >= LEAST_SAID);
  }

  /* Letter codes label one picture at once; here are none. */
  codeOf() {
    return "";
  }

  drawLarge(tiles, large, screens) {
    const tile = tiles[large];
    this.enlarge(tile, { source: tile && screens.address(tile, LARGE[1]), side: "all" });
    const { largeOut, largeUnusable } = this.parts;
    largeOut.textContent = tile?.mark === "in" ? "Take out" : "Put back in";
    largeUnusable.setAttribute("aria-pressed", String(tile?.mark === "unusable"));
  }

  drawActions({ tree, standing: { at }, tiles, doubts, choice, batches, counts, made }) {
    const { labelText, labelCount, labelHint, label, up, acceptCount, chosen, pass, undo, odd } = this.parts;
    const [inside, unusable] = ["in", "unusable"].map((mark) => choice.having(mark).length);
    labelText.textContent = at && tree ? tree.names[at] : "…";
    labelCount.textContent = inside.toLocaleString();
    acceptCount.textContent = inside.toLocaleString();
    labelHint.textContent = at ? "" : "go to a class first";
    label.disabled = !at || !inside;
    up.disabled = !at;
    const extra = unusable ? `, ${unusable} unusable` : "";
    chosen.textContent = tiles.length ? `${inside} of ${tiles.length} in${extra}` : "";
    pass.disabled = !tiles.length;
    undo.disabled = !batches.last;
    undo.title = batches.last ? `Take back the last screen: ${doneWords(batches.last)}` : "";
    odd.disabled = !tiles.some((tile, place) => tile.mark === "in" && doubts[place]);
    this.drawLast(batches.last);
    this.drawProgress({ counts, made });
  }

  drawLast(act) {
    const { last } = this.parts;
    if (act === this.drawnLast) return;
    this.drawnLast = act;
    last.replaceChildren(...(act ? [element("span", "", "Last: "), named(doneWords(act))] : []));
  }
}
