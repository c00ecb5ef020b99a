/* Words that are nearly what was typed: one letter more, less, other or swapped with its neighbour is one edit. */

const LONGEST_TYPED = 31; // letters; one bit each
const LEAST_TYPED = 4; // letters; shorter ones are near to anything
const MOST_EDITS = 2;
const PLACES = new Int32Array(2 ** 16); // letter -> the bits of its places in the word being looked for

/* A word of seven letters and more may have two slips. */
function editsAllowed({ length }) {
  return length < LEAST_TYPED ? 0 : length < 7 ? 1 : MOST_EDITS;
}

class Words {
  /* texts: for each node all that the search looks at. */
  constructor(texts) {
    const nodes = new Map(); // word -> the nodes that have it
    texts.forEach((text, node) => {
      for (const word of wordsIn(text)) {
        const known = nodes.get(word);
        if (!known) nodes.set(word, [node]);
        else if (known.at(-1) !== node) known.push(node);
      }
    });
    this.nodes = [...nodes.values()];
    const words = [...nodes.keys()];
    const all = words.join("");
    this.letters = Uint16Array.from({ length: all.length }, (_, place) => all.charCodeAt(place)); // quicker than texts
    this.ends = new Uint32Array(words.length);
    words.reduce((end, word, place) => (this.ends[place] = end + word.length), 0);
  }

  /* node -> edits, for the nodes that have words near to all those typed, with at most MOST_EDITS together. */
  near(text) {
    const all = wordsIn(text).reduce((before, typed) => this.nearWord(typed, before), null);
    return all ?? new Map();
  }

  /* node -> edits so far and those of this word, among the nodes of `before` (null: all). */
  nearWord(typed, before) {
    const found = new Map();
    this.eachNear(typed, editsAllowed(typed), (place, edits) => {
      for (const node of this.nodes[place]) {
        const sum = edits + (before ? before.get(node) ?? Infinity : 0);
        if (sum <= Math.min(MOST_EDITS, found.get(node) ?? MOST_EDITS)) found.set(node, sum);
      }
    });
    return found;
  }

  /* Call visit(place, edits) for every word that begins with `typed`, or with something at most `most` edits away. */
  eachNear(typed, most, visit) {
    const pattern = typed.slice(0, LONGEST_TYPED);
    const { length } = pattern;
    for (let place = 0; place < length; place += 1) PLACES[pattern.charCodeAt(place)] |= 1 << place;
    for (let word = 0, start = 0; word < this.ends.length; start = this.ends[word], word += 1) {
      const end = this.ends[word];
      if (end - start < length - most) continue;
      const edits = editsToBeginning(length, this.letters, start, Math.min(end, start + length + most));
      if (edits <= most) visit(word, edits);
    }
    for (let place = 0; place < length; place += 1) PLACES[pattern.charCodeAt(place)] = 0;
  }
}

function wordsIn(text) {
  const isPlain = /^[\n\x20-\x7e]*$/.test(text); // nearly always, and much faster
  return text.match(isPlain ? /[a-z0-9]+/g : /[\p{L}\p{N}]+/gu) ?? [];
}

/* The fewest edits from the word of this length in PLACES to any beginning of letters[start .. end]: the table of
   edits, a column in two numbers of bits (Hyyrö 2003, after Myers 1999); a swap of neighbours counts as one. */
function editsToBeginning(length, letters, start, end) {
  const last = 1 << (length - 1);
  let more = -1; // rows with one edit more than the row above
  let less = 0; // with one less
  let same = 0; // with as many as the one before it in the row above
  let before = 0;
  let edits = length;
  let fewest = length;
  for (let place = start; place < end; place += 1) {
    const here = PLACES[letters[place]];
    const swapped = ((~same & here) << 1) & before;
    same = (((here & more) + more) ^ more) | here | less | swapped;
    const right = less | ~(same | more);
    const left = same & more;
    if (right & last) edits += 1;
    else if (left & last) edits -= 1;
    const shifted = (right << 1) | 1;
    more = (left << 1) | ~(same | shifted);
    less = shifted & same;
    before = here;
    if (edits < fewest) fewest = edits;
  }
  return fewest;
}
