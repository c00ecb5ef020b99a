const SURE_FROM = 0.5; // a class that is less likely than this is on the path, but not what Space accepts

/* What a model says about one picture, as far as this version of the tree knows the classes. */
class Suggestion {
  /* The suggestion {run, node, path, top} of an item; null where this tree has none of its classes. */
  static of(said, tree) {
    const made = new Suggestion(said, tree);
    return made.path.length ? made : null;
  }

  constructor({ run, node, path, top }, tree) {
    Object.assign(this, { run, tree, key: node });
    const known = path.map(([key, probability]) => ({ node: tree.find(key), probability }));
    const end = known.findIndex(({ node: found }) => found === undefined);
    this.path = end < 0 ? known : known.slice(0, end);
    this.level = Math.max(0, this.path.findLastIndex(({ probability }) => probability >= SURE_FROM));
    // Of the classes beside the path only the likeliest leaves are known: enough to order them, too little to be said.
    const exact = this.path.map((step) => [step.node, step.probability]);
    const leaves = top.map(([key, probability]) => [tree.find(key), probability]).filter(([leaf]) => leaf !== undefined);
    this.mass = new Map([...tree.spread(top), ...exact]);
    this.shown = new Map([...leaves, ...exact]);
  }

  /* The class to accept: the deepest one that is sure enough or, after "coarser" and "finer", another on the path. */
  get node() {
    return this.level < 0 ? 0 : this.path[this.level].node;
  }

  shift(by) {
    this.level = Math.max(-1, Math.min(this.level + by, this.path.length - 1));
    return this.node;
  }

  /* Someone said that it is not this class: suggest at most what is above it. Returns whether anything is left. */
  retreatFrom(node) {
    this.shown.delete(node);
    const place = this.path.findIndex((step) => step.node === node);
    if (place >= 0) this.path = this.path.slice(0, place);
    this.level = Math.min(this.level, this.path.length - 1);
    return place !== 0;
  }
}
