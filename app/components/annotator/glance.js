/* A class at a glance, over the page: pictures of it, its siblings beside it, and what looks most like the picture on
   screen. Asks the app when it opens; nothing of it is needed for labelling. */

const MOST_BESIDE = 24; // siblings with pictures at once
const FRESH_MS = 60000; // an answer is used again for so long

class Glance {
  /* get(path): one request. onGo(node): the person wants to stand there. */
  constructor(parts, { data, keymap, signal, get, onGo }) {
    Object.assign(this, { parts, keymap, place: data.place, get, onGo });
    this.answers = new Map(); // path -> {at, answer}
    parts.glance.addEventListener("keydown", (event) => this.onKey(event), { signal });
    parts.glance.addEventListener("close", () => parts.glanceMine.replaceChildren(), { signal });
  }

  open({ tree, item, node }) {
    Object.assign(this, { tree, item });
    const mine = item?.state === "ready" ? item.image.cloneNode() : element("span");
    mine.removeAttribute("style");
    this.parts.glanceMine.replaceChildren(mine);
    if (!this.parts.glance.open) this.parts.glance.showModal();
    this.show(node);
    this.findNearest();
  }

  /* Look at this class. */
  show(node) {
    this.node = node;
    this.drawWords();
    this.drawSiblings(new Map());
    this.parts.glanceOwn.replaceChildren();
    this.parts.glanceWhy.textContent = "Looking for pictures…";
    this.parts.glanceGo.focus(); // what had the focus may be gone, and the keys go with it
    this.findPictures(node);
  }

  async findPictures(node) {
    const key = encodeURIComponent(this.tree.keys[node]);
    const answer = await this.ask(`/api/glance?node=${key}&without=${this.item?.id ?? 0}`);
    if (this.node !== node) return;
    const { parts } = this;
    if (answer.kind !== "ok") {
      parts.glanceWhy.textContent = answer.kind === "refused" ? sentence(answer.error) : "The app cannot be reached.";
      return;
    }
    const { pictures, references, siblings } = answer.value;
    parts.glanceOwn.replaceChildren(...pictures.map((id) => listed(thumbnail(this.place, id, 320))));
    const first = references ? "First those marked as reference." : "";
    parts.glanceWhy.textContent = pictures.length ? first : "No picture is labelled as this class yet.";
    this.drawSiblings(new Map(siblings.map((sibling) => [this.tree.find(sibling.node), sibling.pictures])));
  }

  async findNearest() {
    const { item, parts } = this;
    parts.glanceNearest.replaceChildren();
    parts.glanceNearestWhy.textContent = "";
    if (!item) return;
    const answer = await this.ask(`/api/nearest?image=${Number(item.id)}`);
    if (this.item !== item) return;
    const { run, known, pictures } = answer.kind === "ok" ? answer.value : { pictures: [] };
    parts.glanceNearestWhy.textContent = whyNone(answer.kind, { run, known, pictures });
    const drawn = pictures.map(({ id, node: key }) => this.nearest(id, key)).filter(Boolean);
    parts.glanceNearest.replaceChildren(...drawn);
  }

  async ask(path) {
    const known = this.answers.get(path);
    if (known && performance.now() - known.at < FRESH_MS) return known.answer;
    const answer = await this.get(path);
    for (const [old, { at }] of this.answers) if (performance.now() - at > FRESH_MS) this.answers.delete(old);
    if (answer.kind === "ok") this.answers.set(path, { at: performance.now(), answer });
    return answer;
  }

  drawWords() {
    const { tree, node, parts } = this;
    const path = [0, ...tree.path(node)].slice(0, -1);
    parts.glancePath.replaceChildren(...path.map((step) => button("glanceAt", step, named(tree.names[step]))));
    parts.glanceName.textContent = tree.names[node];
    const synonyms = (tree.synonyms[node] ?? []).join(", ");
    parts.glanceAlso.textContent = synonyms && `also: ${synonyms}`;
    parts.glanceNote.textContent = tree.notes[node] ?? "";
    parts.glanceGoTo.textContent = tree.names[node];
    parts.glance.scrollTop = 0;
  }

  /* The siblings around this class in the order of the tree, itself among them. pictures: node -> ids. */
  drawSiblings(pictures) {
    const { tree, node, parts } = this;
    const all = this.siblings;
    const start = Math.max(0, Math.min(all.indexOf(node) - MOST_BESIDE / 2, all.length - MOST_BESIDE));
    parts.glanceBeside.hidden = all.length < 2;
    const drawn = all.slice(start, start + MOST_BESIDE).map((sibling) => {
      const ids = pictures.get(sibling) ?? [];
      const shown = element("span", "some");
      shown.append(...ids.map((id) => thumbnail(this.place, id)));
      const made = button("glanceAt", sibling, shown, named(tree.names[sibling]));
      made.setAttribute("aria-current", String(sibling === node));
      return listed(made);
    });
    redraw(parts.glanceSiblings, drawn);
    const [strip, here] = [parts.glanceSiblings, drawn[all.indexOf(node) - start]];
    strip.scrollLeft = here.offsetLeft - strip.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
  }

  get siblings() {
    return this.node ? this.tree.children[this.tree.parents[this.node]] : [0];
  }

  nearest(id, key) {
    const node = this.tree.find(key);
    if (node === undefined) return null;
    return listed(button("glanceAt", node, thumbnail(this.place, id), named(this.tree.names[node])));
  }

  // --- keys --------------------------------------------------------------------------------------------------------

  onKey(event) {
    const acts = {
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      ArrowUp: () => this.node && this.show(this.tree.parents[this.node]),
      ArrowDown: () => this.tree.children[this.node].length && this.show(this.tree.children[this.node][0]),
      Enter: () => this.go(),
    };
    const isItsKey = this.keymap.commandOf(event)?.[0] === "openGlance";
    const act = hasModifier(event) ? null : isItsKey ? () => this.parts.glance.close() : acts[event.key];
    const isOnButton = event.key === "Enter" && isWithin(event.target, "button"); // it does what it says
    if (!act || isOnButton) return;
    event.preventDefault();
    act();
  }

  step(by) {
    const all = this.siblings;
    const next = all[(all.indexOf(this.node) + by + all.length) % all.length];
    if (next !== this.node) this.show(next);
  }

  go() {
    this.parts.glance.close();
    this.onGo(this.node);
  }
}

function listed(child) {
  const made = element("li");
  made.append(child);
  return made;
}

function whyNone(kind, { run, known, pictures }) {
  if (kind !== "ok") return "The app cannot be reached.";
  if (!run) return "These come with the first training.";
  if (!known) return "This picture came in after the newest training.";
  return pictures.length ? "" : "No picture is labelled yet.";
}
