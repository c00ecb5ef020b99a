/* What stands around the pictures: the way to mark above them, and below them how many are marked and what to do. */

const HIDE_SAID_MS = 6000;

class Bar {
  /* above, below: the elements it fills. run(command): a button was pressed. */
  constructor({ above, below, run }) {
    Object.assign(this, { above, below });
    for (const place of [above, below]) {
      place.addEventListener("click", (event) => {
        const pressed = event.target.closest("[data-do]");
        if (pressed && !pressed.disabled) run(pressed.dataset.do);
      });
    }
    this.mode = tool("mark", "Mark pictures", "Then a click marks. Otherwise: the corner of a picture, Shift for all up to it, or drag a frame around some");
    this.every = tool("all", "Mark all here", "All pictures of this page");
    this.copy = tool("copyLink", "Copy link", "A link to what you see: filters and order");
    this.save = tool("save", "Save as selection", "All that were found, on every page, under a name");
    this.note = element("span", "note");
    above.append(this.note, this.mode, this.every, this.copy, this.save);
    this.parts = {
      total: element("strong"),
      elsewhere: element("span", "elsewhere"),
      label: tool("label", "Label…", "Label all of them in one go, at any level"),
      queue: tool("queue", "Annotate…", "One by one in the annotator"),
      reference: tool("reference", "Reference…", "Mark them as good examples of a class"),
      unmark: tool("unmark", "Not a reference", "They are no longer marked as good examples of this class"),
      none: tool("none", "None", "Take all marks away (Escape)"),
    };
    this.marked = element("div", "marked");
    this.marked.setAttribute("role", "group");
    this.marked.setAttribute("aria-label", "Marked pictures");
    this.marked.append(...Object.values(this.parts));
    this.parts.label.classList.add("main");
    this.act = element("div", "act");
    this.actText = element("span");
    this.actText.setAttribute("role", "status");
    this.act.append(this.actText, tool("undo", "Undo", "Take all of it back"), tool("bringBack", "Bring them back", ""), tool("dismiss", "×", "Close"));
    this.act.lastChild.setAttribute("aria-label", "Close");
    below.append(this.act, this.marked);
  }

  /* total: marked in all; here: on this page; cards: on this page; act: the last one; link: something to copy. */
  draw({ total, here, cards, isMarking, isFull, act, hasCleared, isBusy, hasLink, note, hasSave, isOfClass }) {
    const { elsewhere, label, queue, reference, unmark } = this.parts;
    this.mode.hidden = !cards;
    this.mode.setAttribute("aria-pressed", String(isMarking));
    write(this.mode.lastChild, isMarking ? "Stop marking" : "Mark pictures");
    this.every.hidden = !cards || !(isMarking || total);
    this.every.disabled = here === cards;
    this.copy.hidden = !hasLink;
    this.save.hidden = !hasSave;
    write(this.note, note);
    write(this.parts.total, `${whole(total)} marked`);
    const others = total - here;
    write(elsewhere, isFull ? "as many as can be" : others ? `${whole(others)} not on this page` : "");
    elsewhere.hidden = !elsewhere.textContent;
    unmark.hidden = !isOfClass;
    for (const made of [label, queue, reference, unmark]) made.disabled = isBusy;
    this.marked.hidden = !total;
    this.drawAct(act, hasCleared, isBusy);
    this.below.hidden = this.marked.hidden && this.act.hidden;
  }

  drawAct(act, hasCleared, isBusy) {
    const [, undo, bringBack] = this.act.children;
    this.act.hidden = !act && !hasCleared && !this.said;
    write(this.actText, this.said || (act ? actText(act) : hasCleared ? "No marks any more." : ""));
    undo.hidden = !act || Boolean(this.said);
    undo.disabled = isBusy;
    bringBack.hidden = Boolean(act) || !hasCleared || Boolean(this.said);
  }

  /* Something short, for eyes and ears; `after` draws anew when it goes. */
  say(text, after) {
    this.said = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.hush(after), HIDE_SAID_MS);
    after();
  }

  hush(after) {
    this.said = "";
    clearTimeout(this.timer);
    after();
  }
}

/* What the last act did: whole, with what it left out. */
function actText({ kind, name, saved = 0, refused, already = 0, test = 0, ids }) {
  if (kind === "reference") {
    const known = already ? ` ${whole(already)} ${already === 1 ? "was" : "were"} before.` : "";
    const hidden = test ? ` ${count(test, "is a test picture and is", "are test pictures and are")} not shown while people label.` : "";
    return `${pictures(saved)} marked as reference for ${name}.${known}${hidden}`;
  }
  if (kind === "unreference") return `${pictures(ids.length)} no longer marked as reference.`;
  const reasons = [...new Set(refused.map(([, why]) => why))].join(", ");
  const left = refused.length ? ` ${whole(refused.length)} not: ${reasons}.` : "";
  const rest = ids.length - saved - refused.length;
  const same = rest > 0 ? ` ${whole(rest)} said so already.` : "";
  return `${pictures(saved)} labelled as ${name}.${left}${same}`;
}

function tool(command, text, title) {
  const made = button(command, "", element("span", "", text));
  made.title = title;
  return made;
}
