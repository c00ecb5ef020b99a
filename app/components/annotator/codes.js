/* Short letter codes for classes. No code begins another one, so a code is complete with its last letter and needs no
   key to end it. */

const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];
const LONGEST_CODE = 8;
const MOST_FILLED = 0.5; // of all possible codes; the rest is room for codes that look like the names
const MOST_TRIED = 60; // codes made from a name before any free one is taken
const ONE_LETTER_EACH = 6; // of the classes used most; more would leave too little room for all others

class Codes {
  /* own: code -> class key, chosen by the person and left as they are. */
  constructor(tree, own) {
    this.tree = tree;
    this.nodes = new Map(); // code -> node
    this.codes = new Map(); // node -> code
    this.beginnings = new Set(); // of all codes
    this.full = new Set(); // "length beginning" where nothing is left
    for (const [code, key] of Object.entries(own)) {
      const node = tree.find(key);
      if (node !== undefined) this.give(node, code);
    }
  }

  /* Codes for all classes but the root; a class with many below it has earned a short one. */
  static forAll(tree, own) {
    const weights = Array.from(tree.below, (below, node) => (node ? 1 + below : 0));
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    const base = Math.log(LETTERS.length);
    let earned = [];
    for (let more = 0, filled = Infinity; filled > MOST_FILLED; more += 0.1) {
      const lengthOf = (weight) => Math.max(1, Math.ceil(Math.log(all / weight) / base + more));
      earned = weights.map((weight, node) => ({ node, length: lengthOf(weight) })).slice(1);
      filled = earned.reduce((sum, { length }) => sum + LETTERS.length ** -length, 0);
    }
    return new Codes(tree, own).fill(earned);
  }

  /* Codes of one or two letters for the classes used most: [[code, key], …]. uses: class key -> how often. */
  static forOften(tree, own, uses, most) {
    const chosen = new Set(Object.values(own));
    const often = Object.keys(uses).filter((key) => tree.find(key) > 0 && !chosen.has(key));
    often.sort((a, b) => uses[b] - uses[a]).splice(most);
    const earned = often.map((key, place) => ({ node: tree.find(key), length: place < ONE_LETTER_EACH ? 1 : 2 }));
    const codes = new Codes(tree, own).fill(earned);
    return often.map((key) => [codes.code(tree.find(key)), key]).filter(([code]) => code);
  }

  /* Give codes of the earned lengths, the short ones first: then, as Kraft found (1949), there is always one left. Only
     where a person's own codes take the room can a class end up with a longer one, or with none. */
  fill(earned) {
    earned.sort((a, b) => a.length - b.length || a.node - b.node);
    for (const { node, length: shortest } of earned) {
      for (let length = shortest; length <= LONGEST_CODE && !this.codes.has(node); length += 1) {
        const preferred = wordsOf(this.tree.names[node]).join("");
        const code = this.fromName(node, length) || this.anyFree("", length, preferred);
        if (code) this.give(node, code);
      }
    }
    return this;
  }

  give(node, code) {
    this.nodes.set(code, node);
    this.codes.set(node, code);
    for (let end = 1; end < code.length; end += 1) this.beginnings.add(code.slice(0, end));
  }

  /* No other code is this one, begins it or begins with it. */
  isFree(code) {
    if (this.nodes.has(code) || this.beginnings.has(code)) return false;
    for (let end = 1; end < code.length; end += 1) if (this.nodes.has(code.slice(0, end))) return false;
    return true;
  }

  /* The first free code of this length that can be read out of the name: initials, the beginning of a word, then letters
     of the name in their order. "" where there is none. */
  fromName(node, length) {
    const words = wordsOf(this.tree.names[node]);
    if (!words.length) return "";
    const letters = words.join("");
    const initials = words.map((word) => word[0]).join("");
    const tried = [initials, words.at(-1), letters].map((text) => text.slice(0, length));
    for (let skipped = 1; tried.length < MOST_TRIED && skipped + length <= letters.length + 1; skipped += 1) {
      for (let head = length - 1; head > 0; head -= 1) {
        tried.push(letters.slice(0, head) + letters.slice(head + skipped, length + skipped));
      }
    }
    return tried.find((code) => code.length === length && this.isFree(code)) ?? "";
  }

  /* Any free code of this length under a beginning, letters of the name first; "" for none. */
  anyFree(beginning, length, preferred) {
    const place = `${length} ${beginning}`;
    if (this.nodes.has(beginning) || this.full.has(place)) return "";
    if (beginning.length === length) return this.beginnings.has(beginning) ? "" : beginning;
    for (const letter of new Set([...preferred, ...LETTERS])) {
      const found = this.anyFree(beginning + letter, length, preferred);
      if (found) return found;
    }
    this.full.add(place);
    return "";
  }

  /* The class with this code, undefined for none. */
  node(code) {
    return this.nodes.get(code);
  }

  /* The code of a class, "" for none. */
  code(node) {
    return this.codes.get(node) ?? "";
  }

  /* Pairs [code, node] that go on from what was typed: short codes first, then in the order of the tree. */
  after(typed) {
    const found = [...this.nodes].filter(([code]) => code.startsWith(typed));
    return found.sort((a, b) => a[0].length - b[0].length || a[1] - b[1]);
  }
}

function wordsOf(name) {
  return folded(name).match(/[a-z]+/g) ?? [];
}

/* Why a code cannot stand beside others (code -> class key), "" where it can. nameOf(key): the name of a class. */
function clashOf(code, codes, nameOf) {
  if (!/^[a-z]+$/.test(code) || code.length > LONGEST_CODE) {
    return `A code is 1 to ${LONGEST_CODE} letters from a to z.`;
  }
  for (const [other, key] of Object.entries(codes)) {
    if (other === code) return `“${code}” is already the code of ${nameOf(key)}.`;
    if (other.startsWith(code)) return `“${code}” begins “${other}”, the code of ${nameOf(key)}. Choose another code.`;
    if (code.startsWith(other)) {
      return `“${code}” begins with “${other}”, the code of ${nameOf(key)}. Choose another code.`;
    }
  }
  return "";
}
