/* The class tree as arrays by node index; a parent stands before its children, node 0 is the root. */

const BREAK = "\n"; // between the texts of one node; no key or name holds one
const LETTER = /[\p{L}\p{N}]/u;

/* Lower case, without accents: what a person types. */
function folded(text) {
  const isPlain = /^[\n\x20-\x7e]*$/.test(text); // nearly always, and much faster
  return (isPlain ? text : text.normalize("NFKD").replace(/\p{M}/gu, "")).toLowerCase();
}

class Tree {
  constructor({ keys, parents, names, synonyms, notes }, { version, hash }) {
    Object.assign(this, { keys, parents, synonyms, notes, version, hash });
    this.names = keys.map((key, node) => names[node] ?? key);
    this.nodes = new Map(keys.map((key, node) => [key, node]));
    this.children = keys.map(() => []);
    this.below = new Uint32Array(keys.length); // classes below each node
    for (let node = keys.length - 1; node > 0; node -= 1) this.below[parents[node]] += this.below[node] + 1;
    for (let node = 1; node < keys.length; node += 1) this.children[parents[node]].push(node);
    this.levels = new Uint16Array(keys.length); // 0 for the root
    for (let node = 1; node < keys.length; node += 1) this.levels[node] = this.levels[parents[node]] + 1;
    this.depth = this.levels.reduce((deepest, level) => Math.max(deepest, level), 0);
  }

  /* The node with this key, undefined where this version has none. */
  find(key) {
    return this.nodes.get(key);
  }

  isLeaf(node) {
    return this.children[node].length === 0;
  }

  /* Nodes from the child of the root down to `node`; none for the root. */
  path(node) {
    const steps = [];
    for (let step = node; step > 0; step = this.parents[step]) steps.push(step);
    return steps.reverse();
  }

  /* `node` is `ancestor` or below it. */
  isWithin(node, ancestor) {
    let step = node;
    while (step > ancestor) step = this.parents[step]; // a parent's index is always smaller
    return step === ancestor;
  }

  /* node -> probability, for every node with a suggested leaf at or below it. top: [[key, probability], …]. */
  spread(top) {
    const mass = new Map();
    for (const [key, probability] of top) {
      const leaf = this.find(key);
      for (let step = leaf ?? -1; step >= 0; step = this.parents[step]) {
        mass.set(step, (mass.get(step) ?? 0) + probability);
      }
    }
    return mass;
  }

  /* For each node all that the search looks at. Made once, before the first search if somebody asks for it. */
  searchable() {
    const textsOf = (key, node) => [this.names[node], ...(this.synonyms[node] ?? []), key];
    this.texts ??= this.keys.map((key, node) => folded(textsOf(key, node).join(BREAK)));
    return this.texts;
  }

  /* The words of all names, synonyms and keys; made once, as above. */
  words() {
    this.allWords ??= new Words(this.searchable());
    return this.allWords;
  }

  /* Every class whose name, synonym or key holds the text: {nodes, total, isGuess}, the best `most` of them. A text that
     begins so comes first, then a word that does, then the rest; classes within `near` before others. Where there is
     none, those whose words are nearly those typed: a guess. */
  search(query, near, most) {
    const wanted = folded(query.trim().replace(/\s+/g, " "));
    const words = wanted.split(" ");
    const texts = this.searchable();
    const scores = [];
    for (let node = 0; node < texts.length; node += 1) {
      const rank = rankOf(texts[node], wanted, words);
      if (rank > 3) continue;
      scores.push(this.score(2 * rank + (this.isWithin(node, near) ? 0 : 1), node));
    }
    const isGuess = !scores.length;
    if (isGuess) this.words().near(wanted).forEach((edits, node) => scores.push(this.score(2 * edits, node)));
    const best = Float64Array.from(scores).sort();
    return { nodes: Array.from(best.subarray(0, most), (score) => score % 2 ** 24), total: best.length, isGuess };
  }

  /* By place, then short names first, then in the order of the tree; the node can be read out of it again. */
  score(place, node) {
    return (place * 1000 + Math.min(this.names[node].length, 999)) * 2 ** 24 + node;
  }
}

/* 0: a text begins with it, 1: a word does, 2: it is inside, 3: all its words are somewhere, 4: not found. */
function rankOf(texts, wanted, words) {
  let rank = 4;
  for (let at = texts.indexOf(wanted); at >= 0 && rank > 0; at = texts.indexOf(wanted, at + 1)) {
    const before = at ? texts[at - 1] : BREAK;
    rank = Math.min(rank, before === BREAK ? 0 : LETTER.test(before) ? 2 : 1);
  }
  if (rank === 4 && words.length > 1 && words.every((word) => texts.includes(word))) return 3;
  return rank;
}
