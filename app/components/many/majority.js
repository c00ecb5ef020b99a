/* What a model says about a whole screen: the mean of what it says about each picture. */

const FAINT = 0.02; // the path is not drawn on below

/* What the model says about the pictures of a screen, each and together, in one version of the tree. */
class Opinions {
  constructor(tree) {
    this.tree = tree;
    this.known = new Map(); // tile -> its suggestion, null for none
  }

  of(tile) {
    if (!this.known.has(tile)) {
      this.known.set(tile, tile.suggestion ? Suggestion.of(tile.suggestion, this.tree) : null);
    }
    return this.known.get(tile);
  }

  together(tiles) {
    return this.tree ? majority(tiles.map((tile) => this.of(tile)), this.tree) : null;
  }

  /* For each tile the class the model takes it for, where that is not `node`; else "". */
  doubts(tiles, node) {
    return tiles.map((tile) => {
      const opinion = node ? this.of(tile) : null;
      const isOdd = opinion && (opinion.mass.get(node) ?? 0) < SURE_FROM;
      return isOdd ? this.tree.names[opinion.path.at(-1).node] : "";
    });
  }
}

/* Suggestion of a screen, from the suggestions of its pictures (null: none); null where no class holds for most. */
function majority(suggestions, tree) {
  const known = suggestions.filter(Boolean);
  const mass = meanMass(known, suggestions.length);
  const path = [];
  for (let node = likeliestChild(0, mass, tree); node; node = likeliestChild(node, mass, tree)) {
    path.push([tree.keys[node], mass.get(node)]);
  }
  if (!(path[0]?.[1] >= SURE_FROM)) return null;
  const said = new Suggestion({ run: known[0].run, node: path[0][0], path, top: [] }, tree);
  // What is asked for is the class that is meant, not the end of the path.
  return Object.assign(said, { key: tree.keys[said.node], mass, shown: mass });
}

/* node -> probability, over all pictures; those without a suggestion count as none. */
function meanMass(known, count) {
  const mass = new Map();
  for (const { mass: one } of known) {
    for (const [node, probability] of one) mass.set(node, (mass.get(node) ?? 0) + probability / count);
  }
  return mass;
}

/* The likeliest class one level below; 0 where none is worth naming. */
function likeliestChild(node, mass, tree) {
  const weight = (child) => (child ? mass.get(child) ?? 0 : FAINT);
  return tree.children[node].reduce((best, child) => (weight(child) > weight(best) ? child : best), 0);
}
