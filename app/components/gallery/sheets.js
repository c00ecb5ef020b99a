/* The windows of the bar: a class for the marked pictures, a name for a selection. */

const LOOK_PAUSE_MS = 120; // after the last step in the tree

class Sheet {
  /* wall: its marks, acts and data. onSubmit: the main button. */
  constructor(wall, title) {
    Object.assign(this, { wall, ids: wall.marks.all(), watch: new Watch(wall.signal) });
    this.dialog = element("dialog", "sheet");
    this.form = element("form");
    this.body = element("div", "body");
    this.problem = element("p", "problem");
    this.problem.setAttribute("role", "alert");
    this.main = element("button", "main");
    this.main.type = "submit";
    const cancel = element("button", "", "Cancel");
    cancel.type = "button";
    cancel.onclick = () => this.dialog.close();
    const foot = element("div", "foot");
    foot.append(this.problem, cancel, this.main);
    const heading = element("h2", "", title);
    heading.id = "sheet-title";
    this.dialog.setAttribute("aria-labelledby", heading.id);
    this.form.append(heading, this.body, foot);
    this.dialog.append(this.form);
    this.form.onsubmit = (event) => {
      event.preventDefault();
      if (!this.main.disabled) this.submit();
    };
    this.dialog.addEventListener("close", () => this.gone());
    this.dialog.addEventListener("click", ({ target }) => target === this.dialog && !this.isBusy && this.dialog.close());
    this.dialog.addEventListener("cancel", (event) => this.isBusy && event.preventDefault());
    this.dialog.addEventListener("keydown", (event) => event.stopPropagation()); // the page has keys of its own
    wall.root.append(this.dialog);
    this.dialog.showModal();
  }

  gone() {
    this.dialog.remove();
    this.wall.focus();
  }

  say(answer) {
    write(this.problem, answer ? problemText(answer) : "");
  }

  /* Busy until the promise ends; its answer. */
  async during(work) {
    this.isBusy = true;
    this.dialog.classList.add("busy");
    this.main.disabled = true;
    try {
      return await work;
    } finally {
      this.isBusy = false;
      this.dialog.classList.remove("busy");
      this.main.disabled = false;
    }
  }
}

/* Send to the annotator: a name, then Annotate opens on these pictures. */
class QueueSheet extends Sheet {
  constructor(wall) {
    super(wall, `Send ${pictures(wall.marks.size)} to Annotate`);
    const now = new Date().toLocaleString(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
    this.name = element("input");
    Object.assign(this.name, { type: "text", maxLength: 60, value: `${pictures(this.ids.length)}, ${now}`, required: true });
    const label = element("label", "field", "Name of the selection");
    label.append(this.name);
    const text = "They are kept as a selection under this name, and open one by one in Annotate.";
    this.body.append(element("p", "", text), label, thumbnails(wall.place, this.ids));
    write(this.main, "Open in Annotate");
    this.name.select();
  }

  async submit() {
    this.say(null);
    const answer = await this.during(this.wall.acts.send("/api/marked/selection", { name: this.name.value, images: this.ids }));
    if (answer.kind !== "ok") return this.say(answer);
    this.wall.marks.clear();
    this.dialog.close();
    this.wall.send("queue", answer.value.queue);
  }
}

/* A class for the marked pictures, chosen in the tree. */
class ClassSheet extends Sheet {
  constructor(wall, title) {
    super(wall, title);
    this.preview = element("div", "preview");
    this.preview.setAttribute("aria-live", "polite");
    this.picker = new Picker({ onPick: (node) => this.picked(node), onEnter: () => this.form.requestSubmit() });
    this.body.classList.add("two");
    this.body.append(this.picker.box, this.preview);
    this.main.disabled = true;
    write(this.main, "Choose a class");
    this.load();
  }

  async load() {
    const about = await this.wall.acts.send("/api/marked/about", { images: this.ids });
    if (about.kind !== "ok") return this.say(about);
    const { taxonomy, likely } = about.value;
    const tree = await this.wall.tree(taxonomy);
    if (tree.kind) return this.say(tree);
    this.tree = tree;
    this.picker.show(tree, likely);
  }

  get key() {
    return this.tree.keys[this.node];
  }

  get name() {
    return this.tree.names[this.node];
  }

  picked(node) {
    this.node = node;
    this.say(null);
    this.main.disabled = true;
    write(this.main, "Choose a class");
    clearTimeout(this.looking);
    if (node) this.looking = setTimeout(() => this.look(node), LOOK_PAUSE_MS);
    else this.preview.replaceChildren(element("p", "", "Choose a class, at any level."), thumbnails(this.wall.place, this.ids));
  }

  gone() {
    clearTimeout(this.looking);
    super.gone();
  }
}

class LabelSheet extends ClassSheet {
  constructor(wall) {
    super(wall, `Label ${pictures(wall.marks.size)}`);
    this.group = newUid();
  }

  async look(node) {
    const body = { node: this.key, taxonomy: this.tree.version, images: this.ids };
    const answer = await this.wall.acts.send("/api/marked/look", body);
    if (node !== this.node || !this.dialog.open) return;
    if (answer.kind !== "ok") return this.say(answer);
    this.seen = answer.value;
    this.drawLook(answer.value);
  }

  drawLook({ new: fresh, changed, already, refused, others }) {
    const told = (kind, key) => saidOf(kind, this.tree.names[this.tree.find(key)] ?? key);
    const saidNow = new Map(changed.map(([id, kind, key]) => [id, told(kind, key)]));
    const why = new Map(refused);
    const byOthers = new Map(others.map(([id, kind, key, by]) => [id, `${by}: ${told(kind, key)}`]));
    const parts = [
      ["is new", "are new", fresh, (id) => byOthers.get(id)],
      ["changes your own label", "change your own label", [...saidNow.keys()], (id) => saidNow.get(id)],
      ["you have labelled so already", "you have labelled so already", already, undefined],
      ["cannot be labelled", "cannot be labelled", [...why.keys()], (id) => why.get(id)],
    ];
    this.preview.replaceChildren(...parts.filter(([, , ids]) => ids.length).flatMap(([one, many, ids, words]) => [
      element("h3", "", `${whole(ids.length)} ${ids.length === 1 ? one : many}`),
      thumbnails(this.wall.place, ids, words),
    ]));
    const against = `Somebody else says something different of ${pictures(byOthers.size)}.`;
    if (byOthers.size) this.preview.prepend(element("p", "against", against));
    const total = fresh.length + changed.length;
    this.main.disabled = !total;
    this.main.replaceChildren(total ? `Label ${whole(total)} as ` : "Nothing to label", total ? named(this.name) : "");
  }

  async submit() {
    this.say(null);
    const { wall, ids, group, name, key: node, tree: { version } } = this;
    const seconds = Math.round((100 * this.watch.read()) / ids.length) / 100;
    const sum = { saved: 0, already: 0, refused: [] };
    const act = { kind: "label", group, node, name, ids, refused: [] };
    wall.acts.keep(act);
    const body = { group, node, taxonomy: version, seconds, together: ids.length };
    const problem = await this.during(wall.acts.inParts("/api/marked/labels", body, ids, (part, _, so_far) => {
      sum.saved += part.saved;
      sum.already += part.already;
      sum.refused.push(...part.refused);
      write(this.main, `${whole(so_far)} of ${whole(ids.length)}…`);
    }));
    wall.acts.keep({ ...act, saved: sum.saved, refused: sum.refused });
    wall.draw();
    if (problem) {
      this.say(problem);
      write(this.main, sum.saved ? `Go on: ${whole(sum.saved)} are saved` : "Try again");
      return;
    }
    this.dialog.close();
    wall.done(sum.refused.map(([id]) => id), node);
  }
}

/* Pictures that show a class well. */
class ReferenceSheet extends ClassSheet {
  constructor(wall) {
    super(wall, `Mark ${pictures(wall.marks.size)} as reference`);
  }

  look() {
    const text = "A reference picture shows well what the class is: it comes first where people look a class up.";
    this.preview.replaceChildren(element("p", "", text), thumbnails(this.wall.place, this.ids));
    this.main.disabled = false;
    this.main.replaceChildren(`Mark ${whole(this.ids.length)} for `, named(this.name));
  }

  async submit() {
    this.say(null);
    const { wall, ids, name, key: node } = this;
    const fresh = [];
    let test = 0;
    const problem = await this.during(wall.acts.inParts("/api/marked/references", { node }, ids, (part) => {
      fresh.push(...part.new);
      test += part.test;
    }));
    wall.acts.keep({ kind: "reference", node, name, ids: fresh, saved: fresh.length, already: ids.length - fresh.length, test, refused: [] });
    wall.draw();
    if (problem) return this.say(problem);
    this.dialog.close();
    wall.done([], node);
  }
}

/* What somebody says about a picture, in words. */
function saidOf(kind, name) {
  return { is: name, is_not: `not ${name}`, none_here: `${name}, none below`, unusable: "unusable" }[kind];
}
