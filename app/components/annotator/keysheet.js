/* The sheet of keys: what each one does, keys of one's own, and letter codes for classes. */

const MOST_OFFERED = 12;
const NO_KEY = "";
const NOT_KEPT = "This browser has no room for it: it lasts until the page is closed.";

class KeySheet {
  /* session: whose tree and place in it are shown. uses(): class key -> how often it was used. */
  constructor(parts, { keymap, session, signal, uses }) {
    Object.assign(this, { parts, keymap, session, uses, awaited: null });
    parts.help.addEventListener("keydown", (event) => this.onKey(event), { capture: true, signal });
    parts.help.addEventListener("close", () => (this.awaited = null), { signal });
    parts.codeForm.addEventListener("submit", (event) => this.giveCode(event), { signal });
    const show = () => keymap.choose({ showsCodes: parts.showCodes.checked });
    parts.showCodes.addEventListener("change", show, { signal });
    const acts = { takeOffered: "takeOffered", copyKeys: "copyText", readKeys: "readText", resetKeys: "reset" };
    for (const [part, act] of Object.entries(acts)) parts[part].addEventListener("click", () => this[act](), { signal });
  }

  open() {
    this.tell("");
    this.draw();
    this.parts.help.showModal();
  }

  draw() {
    const { parts, keymap, session } = this;
    this.drawRows();
    parts.showCodes.checked = keymap.showsCodes;
    parts.keyText.value = keymap.text;
    const { tree, standing } = session;
    parts.codes.hidden = !tree;
    if (!tree) return;
    parts.codeForm.hidden = !standing.at;
    parts.codeClass.textContent = tree.names[standing.at];
    redraw(parts.codeLine, Object.entries(keymap.codes).map(([code, key]) => this.code(tree, code, key)));
    this.offered = Codes.forOften(tree, keymap.codes, this.uses(), MOST_OFFERED);
    parts.offer.hidden = !this.offered.length;
    parts.offered.replaceChildren(...this.offered.map(([code, key]) => codeItem(tree, code, key)));
  }

  drawRows() {
    const rows = Object.entries(this.groups()).flatMap(([title, ids]) => this.group(title, ids));
    this.parts.keyRows.replaceChildren(...rows);
  }

  /* The commands as MEANINGS groups them, with one for each level that a suggestion can have in this tree. */
  groups() {
    const depth = this.session.tree?.depth ?? 1;
    const levels = Object.values(KEYS).filter(([command, level]) => command === "acceptAt" && level < depth);
    const groups = Object.fromEntries(Object.entries(MEANINGS).map(([title, words]) => [title, Object.keys(words)]));
    groups["Say what it is"].splice(2, 0, ...levels.map((command) => idOf(...command)));
    return groups;
  }

  group(title, ids) {
    const head = element("h3", "", title);
    const list = element("ul", "keys");
    if (title === "Find the class") list.append(digitRow());
    list.append(...ids.map((id) => this.keyRow(id)));
    return [head, list];
  }

  keyRow(id) {
    const keys = this.keymap.keysOf(id).map((key) => element("kbd", "", shownKey(key)));
    const shown = element("span", "shown");
    shown.append(...keys);
    const made = element("li");
    made.append(shown, element("span", "", meaningOf(id)));
    if (id === "help") return made;
    const change = element("button", "", this.awaited === id ? "Press a key" : "Change");
    change.type = "button";
    change.dataset.changes = id;
    change.setAttribute("aria-label", `${change.textContent}: ${meaningOf(id)}`);
    change.onclick = () => this.awaitKey(this.awaited === id ? null : id);
    made.append(change);
    return made;
  }

  // --- a key of one's own --------------------------------------------------------------------------------------------

  /* The next key pressed is for this command; null: for none any more. */
  awaitKey(id) {
    const asked = id ?? this.awaited;
    this.awaited = id;
    this.drawRows();
    this.focusOn(asked);
    this.tell(id ? "Press the key you want. Esc leaves it as it is; Delete takes its key away." : "");
  }

  /* After a key that cannot be it the next one is awaited; who writes in a field wants no key any more. */
  onKey(event) {
    const id = this.awaited;
    if (!id || MODIFIERS.includes(event.key) || hasModifier(event)) return;
    if (isWithin(event.target, TYPED_IN)) {
      this.awaited = null;
      this.drawRows();
      this.tell("");
      return;
    }
    event.preventDefault();
    if (event.key === "Escape") {
      this.awaitKey(null);
      return;
    }
    const key = event.key === "Delete" ? NO_KEY : keyName(event);
    this.attempt(() => {
      this.keymap.assign(id, key);
      this.awaited = null;
      return key ? `${shownKey(key)} now means: ${meaningOf(id)}.` : `No key any more for: ${meaningOf(id)}.`;
    });
    this.focusOn(id);
  }

  focusOn(id) {
    const buttons = [...this.parts.keyRows.querySelectorAll("button")];
    buttons.find(({ dataset }) => dataset.changes === id)?.focus();
  }

  /* Do it and say what came of it. What is refused says why and changes nothing: what was typed stays, to be mended. */
  attempt(act) {
    try {
      const news = act();
      this.tell(this.keymap.isKept ? news : `${news} ${NOT_KEPT}`, "good");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.tell(error.message, "bad");
      return;
    }
    this.draw();
  }

  tell(text, mood = "") {
    const { keyNews } = this.parts;
    keyNews.textContent = text;
    keyNews.dataset.mood = mood;
    keyNews.hidden = !text;
  }

  // --- codes -------------------------------------------------------------------------------------------------------

  code(tree, code, key) {
    const made = codeItem(tree, code, key);
    const drop = element("button", "cross", "×");
    drop.type = "button";
    drop.setAttribute("aria-label", `Forget the code ${code}`);
    drop.onclick = () => this.attempt(() => [this.keymap.dropCode(code), `The code “${code}” is gone.`][1]);
    made.append(drop);
    return made;
  }

  giveCode(event) {
    event.preventDefault();
    const { tree, standing } = this.session;
    const code = this.parts.codeInput.value.trim().toLowerCase();
    this.attempt(() => {
      this.keymap.chooseCodes([[code, tree.keys[standing.at]]], tree);
      this.parts.codeInput.value = "";
      return this.howToType(code, tree.names[standing.at]);
    });
  }

  howToType(code, name) {
    const taken = this.keymap.keys.get(code[0]);
    if (!taken) return `Type ${code} for ${name}.`;
    const start = this.keymap.keyFor("startCode");
    return `Type ${start} and then ${code} for ${name}: ${code[0].toUpperCase()} alone means: ${meaningOf(taken)}.`;
  }

  takeOffered() {
    this.attempt(() => {
      this.keymap.chooseCodes(this.offered, this.session.tree);
      return `${count(this.offered.length, "class has", "classes have")} a short code now.`;
    });
  }

  // --- as text -----------------------------------------------------------------------------------------------------

  async copyText() {
    this.parts.keyText.select();
    try {
      await navigator.clipboard.writeText(this.parts.keyText.value);
      this.tell("Copied.", "good");
    } catch {
      this.tell("The text is selected: copy it from there."); // no clipboard on a plain address of the network
    }
  }

  readText() {
    this.attempt(() => {
      const left = this.keymap.readText(this.parts.keyText.value, this.session.tree);
      return left ? `Taken over. ${count(left, "code was", "codes were")} left out: no such class here.` : "Taken over.";
    });
  }

  reset() {
    this.attempt(() => [this.keymap.reset(), "The keys are as they were, and your codes are gone."][1]);
  }
}

function codeItem(tree, code, key) {
  const made = element("li");
  made.append(element("kbd", "", code), named(tree.names[tree.find(key)] ?? key));
  return made;
}

function digitRow() {
  const made = element("li");
  const shown = element("span", "shown");
  shown.append(element("kbd", "", "1"), "–", element("kbd", "", "9"));
  made.append(shown, element("span", "", "go to this class; one with nothing below it is labelled at once"));
  return made;
}
