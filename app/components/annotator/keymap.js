/* One person's keys: which key runs which command, and their letter codes for classes. Kept in this browser, for each
   workspace and person. Whatever would make a key or a code mean two things is refused, with words. */

const RESERVED = { Escape: "it leaves what is open", Tab: "it moves between buttons", "?": "it opens this list" };
const MODIFIERS = ["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "Dead", "Process", "Unidentified"];
const COMMAND_OF = new Map();
const CODE_ENDS_MS = 400; // letters that follow a whole code so soon were typed on

/* Two meanings for one key or code; the message says which. */
class Refused extends Error {}

/* key -> id, for all keys in use; `changed`: id -> key ("": none). A tree of this depth has no levels below: their
   letters are free. Throws Refused where a key would mean two things. */
function keysInUse(changed, depth) {
  const isThere = ([command, level]) => command !== "acceptAt" || level < depth;
  const meant = Object.entries(KEYS).filter(([, command]) => isThere(command));
  const pairs = meant.map(([key, command]) => [key, idOf(...command)]);
  const kept = pairs.filter(([, id]) => changed[id] === undefined);
  const keys = new Map(kept);
  for (const [id, key] of Object.entries(changed)) {
    const other = keys.get(key);
    if (other) {
      throw new Refused(
        `${shownKey(key)} already means: ${meaningOf(other)}. Choose another key, or change that one first.`,
      );
    }
    if (key) keys.set(key, id);
  }
  return keys;
}

class Keymap {
  constructor({ place, annotator }) {
    this.key = `hmgc.keys/${place}/${annotator}`;
    for (const command of Object.values(KEYS)) COMMAND_OF.set(idOf(...command), command);
    this.isTyping = false; // a letter code is being typed
    this.codeEnded = -Infinity; // when one was whole
    this.depth = Infinity; // levels of the class tree, once there is one
    this.isKept = true; // false: this browser has no room for the choices
    this.onChange = () => {};
    const kept = recall(localStorage, this.key, {});
    try {
      this.take(kept);
    } catch {
      this.take({ ...kept, changed: {} }); // a newer program may use a key that this person has given away
    }
  }

  /* Use these choices from now on: {changed, codes, fixedOrder, showsCodes}. Throws Refused for choices that clash. */
  take({ changed = {}, codes = {}, fixedOrder = false, showsCodes = false }) {
    const known = Object.fromEntries(Object.entries(changed).filter(([id]) => COMMAND_OF.has(id)));
    this.keys = keysInUse(known, this.depth);
    Object.assign(this, { changed: known, codes, fixedOrder, showsCodes });
  }

  /* Like `take`, and keep them. */
  choose(choices) {
    const { changed, codes, fixedOrder, showsCodes } = this;
    this.take({ changed, codes, fixedOrder, showsCodes, ...choices });
    this.isKept = remember(localStorage, this.key, this.choices);
    this.onChange();
  }

  /* A class tree of this depth is in use. What was chosen for a flatter one goes before the letter of a new level. */
  reach(depth) {
    if (depth === this.depth) return;
    this.depth = depth;
    try {
      this.take(this.choices);
    } catch {
      this.take({ ...this.choices, changed: {} });
    }
    this.onChange();
  }

  get choices() {
    const { changed, codes, fixedOrder, showsCodes } = this;
    return { changed, codes, fixedOrder, showsCodes };
  }

  reset() {
    this.choose({ changed: {}, codes: {}, fixedOrder: false, showsCodes: false });
  }

  // --- keys --------------------------------------------------------------------------------------------------------

  /* [command, argument] of a key press, undefined for a key that is not ours. */
  commandOf(event) {
    const letter = letterOf(event);
    if (this.isTyping && letter) return ["typeCode", letter];
    if (this.isTyping && event.key === "Backspace") return ["typeCode", ""];
    if (this.isTyping && event.key === "Escape") return ["leaveCode"];
    if (this.isTyping && event.key === "Enter") return ["awaitCode"];
    if (letter && performance.now() - this.codeEnded < CODE_ENDS_MS) return ["pastCode", letter];
    const digit = digitOf(event);
    if (digit > "0") return ["row", Number(digit) - 1];
    const id = this.keys.get(keyName(event)) ?? this.keys.get(letter);
    if (id) return COMMAND_OF.get(id);
    return letter && this.startsCode(letter) ? ["typeCode", letter] : undefined;
  }

  /* The keys of a command, as KEYS writes them. */
  keysOf(id) {
    return [...this.keys].filter(([, other]) => other === id).map(([key]) => key);
  }

  /* The first key of a command as it is shown, "" where it has none. */
  keyFor(id) {
    const [key = ""] = this.keysOf(id);
    return key && shownKey(key);
  }

  /* Give a command this key and no other; "" leaves it without. Throws Refused. */
  assign(id, key) {
    const reason = /^[1-9]$/.test(key) ? "digits choose the rows of the list" : RESERVED[key];
    if (reason) throw new Refused(`${shownKey(key)} cannot be changed: ${reason}.`);
    this.choose({ changed: { ...this.changed, [id]: key } });
  }

  // --- codes -------------------------------------------------------------------------------------------------------

  /* This letter begins a code by itself: no command uses it in this tree, and codes are shown or a chosen one begins so. */
  startsCode(letter) {
    return !this.keys.has(letter) && (this.showsCodes || Object.keys(this.codes).some((code) => code[0] === letter));
  }

  /* A code as it is typed: after the key that starts one, where its first letter means something else. */
  typed(code) {
    return code && this.keys.has(code[0]) ? this.keyFor("startCode") + code : code;
  }

  /* The code that a person chose for a class, "" for none. */
  codeOf(key) {
    return Object.keys(this.codes).find((code) => this.codes[code] === key) ?? "";
  }

  /* Choose codes for classes: [[code, class key], …], all of them or, where Refused is thrown, none. */
  chooseCodes(pairs, tree) {
    const codes = { ...this.codes };
    for (const [typed, key] of pairs) {
      const code = typed.trim().toLowerCase();
      for (const old of Object.keys(codes)) if (codes[old] === key) delete codes[old];
      const clash = clashOf(code, codes, (other) => tree.names[tree.find(other)] ?? other);
      if (clash) throw new Refused(clash);
      codes[code] = key;
    }
    this.choose({ codes });
  }

  dropCode(code) {
    const { [code]: _dropped, ...codes } = this.codes;
    this.choose({ codes });
  }

  // --- as text -----------------------------------------------------------------------------------------------------

  get text() {
    const lines = ["# Keys and codes of HMGC Studio"];
    for (const [id, key] of Object.entries(this.changed)) lines.push(`key ${id} = ${key === " " ? "Space" : key}`.trimEnd());
    for (const [code, key] of Object.entries(this.codes)) lines.push(`code ${code} = ${key}`);
    if (this.fixedOrder) lines.push("order = tree");
    if (this.showsCodes) lines.push("codes = shown");
    return lines.join("\n");
  }

  /* Take over what `text` says, in place of all that was chosen. Returns how many codes were left out because the tree
     has no such class. Throws Refused, and then nothing changes. */
  readText(text, tree) {
    const read = { changed: {}, codes: {}, fixedOrder: false, showsCodes: false };
    let leftOut = 0;
    text.split("\n").forEach((line, place) => {
      const reason = readLine(line.trim(), read, tree);
      if (reason === LEFT_OUT) leftOut += 1;
      else if (reason) throw new Refused(`Line ${place + 1}: ${reason}`);
    });
    this.choose(read);
    return leftOut;
  }
}

const LEFT_OUT = "left out";

/* One line of the text into `read`; returns why not, "" for a good one. */
function readLine(line, read, tree) {
  if (!line || line.startsWith("#")) return "";
  if (line === "order = tree") read.fixedOrder = true;
  else if (line === "codes = shown") read.showsCodes = true;
  else {
    const [, what, name, value] = /^(key|code) ([^=]+?) =\s?(.*)$/.exec(line) ?? [];
    if (what === "key") return readKey(name, value, read);
    if (what === "code") return readCode(name, value, read, tree);
    return `“${line.slice(0, 40)}” is not understood. Lines begin with “key” or “code”.`;
  }
  return "";
}

function readKey(id, value, { changed }) {
  const key = value === "Space" ? " " : value.length === 1 ? value.toLowerCase() : value;
  if (!COMMAND_OF.has(id) || id === "help") return `there is no command “${id.slice(0, 40)}”.`;
  if (key && !/^(Shift\+)?(.|[A-Z]\w+)$/u.test(key)) return `“${key.slice(0, 40)}” is no key.`;
  if (RESERVED[key] || /^[1-9]$/.test(key)) return `${shownKey(key)} cannot be used for a command.`;
  changed[id] = key;
  return "";
}

function readCode(code, key, { codes }, tree) {
  if (tree.find(key) === undefined) return LEFT_OUT;
  const clash = clashOf(code, codes, (other) => tree.names[tree.find(other)] ?? other);
  if (!clash) codes[code] = key;
  return clash;
}
