/* Where a person stands in the tree, and the classes listed there; those of the page on screen have a digit each. */

const ROWS = 9; // as many as there are digits
const MOST_FOUND = 300;

class Standing {
  constructor() {
    this.tree = null;
    this.begin(null, () => 0);
  }

  /* Back to the root, for a new picture. weigh(node): how likely a class is, to list the likeliest first. */
  begin(tree, weigh) {
    Object.assign(this, { tree, weigh, query: "", found: null });
    this.go(0);
  }

  go(node) {
    Object.assign(this, { at: node, page: 0, pick: -1 });
    this.children = this.tree ? [...this.tree.children[node]] : [];
    this.children.sort((a, b) => this.weigh(b) - this.weigh(a) || a - b);
  }

  /* The classes to choose from: what the search found, else the children. */
  get listed() {
    return this.query ? this.found.nodes : this.children;
  }

  get total() {
    return this.query ? this.found.total : this.children.length;
  }

  get start() {
    return this.page * ROWS;
  }

  /* What is listed was not typed so: nothing of it is picked before a person does. */
  get isGuess() {
    return Boolean(this.query) && this.found.isGuess;
  }

  movePick(by) {
    const last = this.listed.length - 1;
    this.pick = Math.max(Math.min(this.pick + by, last), Math.min(0, last));
    this.page = Math.floor(Math.max(this.pick, 0) / ROWS);
  }

  turnPage(by) {
    const pages = Math.max(1, Math.ceil(this.listed.length / ROWS));
    this.page = (this.page + by + pages) % pages;
    this.pick = this.query ? this.start : -1;
  }

  searchFor(text) {
    this.query = text.trim();
    this.found = this.query ? this.tree.search(this.query, this.at, MOST_FOUND) : null;
    Object.assign(this, { page: 0, pick: this.query && !this.isGuess ? 0 : -1 });
  }
}
