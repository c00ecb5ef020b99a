/* Choose a class at any level: walk down the tree, or search all of it. */

const MOST_ROWS = 60;

class Picker {
  /* onPick(node): the class where one stands has changed. onEnter: Enter once more, with nothing typed. */
  constructor({ onPick, onEnter }) {
    Object.assign(this, { onPick, onEnter, tree: null, at: 0, picked: 0, listed: [] });
    this.box = element("div", "picker");
    this.likely = element("p", "likely");
    this.likely.hidden = true;
    this.search = element("input");
    Object.assign(this.search, { type: "search", placeholder: "Search all classes", autocomplete: "off", spellcheck: false });
    this.search.setAttribute("aria-label", "Search all classes");
    this.crumbs = element("nav", "crumbs");
    this.crumbs.setAttribute("aria-label", "Where you stand");
    this.rows = element("ol", "rows");
    this.rows.setAttribute("aria-label", "Classes to choose from");
    this.empty = element("p", "empty");
    this.box.append(this.search, this.likely, this.crumbs, this.rows, this.empty);
    this.search.addEventListener("input", () => this.list());
    this.search.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("click", (event) => {
      const pressed = event.target.closest("[data-do=goTo]");
      if (pressed) this.go(Number(pressed.dataset.argument));
    });
  }

  /* tree: to choose from. likely: [[key, pictures], …] to offer first. */
  show(tree, likely) {
    this.tree = tree;
    const known = likely.map(([key, total]) => [tree.find(key), total]).filter(([node]) => node > 0);
    this.likely.hidden = !known.length;
    this.likely.replaceChildren("The newest model says: ", ...known.map(([node, total]) => {
      const chip = button("goTo", node, named(tree.names[node]), element("small", "", whole(total)));
      chip.title = this.pathTo(node);
      return chip;
    }));
    const typed = this.search.value; // while the tree was on its way
    this.go(0);
    this.search.value = typed;
    this.list();
  }

  go(node) {
    this.at = node;
    this.search.value = "";
    const steps = [0, ...this.tree.path(node)];
    redraw(this.crumbs, steps.map((step) => button("goTo", step, named(this.tree.names[step]))));
    this.crumbs.lastChild.setAttribute("aria-current", "location");
    this.list();
    this.onPick(node);
    this.search.focus();
  }

  pathTo(node) {
    return this.tree.path(node).map((step) => this.tree.names[step]).join(" › ");
  }

  list() {
    const query = this.search.value.trim();
    const found = query ? this.tree.search(query, this.at, MOST_ROWS) : null;
    this.listed = found ? found.nodes : this.tree.children[this.at];
    this.picked = found && !found.isGuess ? 0 : -1;
    this.draw(query);
    const more = (found?.total ?? this.listed.length) - Math.min(this.listed.length, MOST_ROWS);
    const isGuess = found?.isGuess && this.listed.length;
    const nothing = query ? "No class has this in its name." : "This is as fine as it gets.";
    this.empty.hidden = !(more || isGuess || !this.listed.length);
    if (isGuess) write(this.empty, "No class is called so. Did you mean one of these?");
    else write(this.empty, more ? `${whole(more)} more: type a part of the name.` : nothing);
  }

  draw(query) {
    const rows = this.listed.slice(0, MOST_ROWS).map((node, place) => {
      const { tree } = this;
      const texts = element("span", "texts");
      texts.append(named(tree.names[node], "name"));
      if (query) texts.append(named(tree.path(node).slice(0, -1).map((step) => tree.names[step]).join(" › "), "sub"));
      const below = element("span", "below", tree.below[node] ? `${whole(tree.below[node])} below` : "");
      const row = button("goTo", node, texts, below);
      row.setAttribute("aria-current", String(place === this.picked));
      const item = element("li");
      item.append(row);
      return item;
    });
    this.rows.replaceChildren(...rows);
  }

  key(event) {
    const { key, isComposing } = event;
    if (isComposing || !this.tree) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    const isEmpty = !this.search.value.trim();
    if (step) this.move(step);
    else if (key === "Enter" && this.picked >= 0 && this.listed.length) this.go(this.listed[this.picked]);
    else if (key === "Enter" && isEmpty) this.onEnter();
    else if (key === "Backspace" && isEmpty && this.at) this.go(Math.max(this.tree.parents[this.at], 0));
    else return;
    event.preventDefault();
  }

  move(step) {
    const last = Math.min(this.listed.length, MOST_ROWS) - 1;
    this.picked = Math.max(Math.min(0, last), Math.min(this.picked + step, last));
    [...this.rows.children].forEach((item, place) => {
      item.firstChild.setAttribute("aria-current", String(place === this.picked));
      if (place === this.picked) item.scrollIntoView({ block: "nearest" });
    });
  }
}
