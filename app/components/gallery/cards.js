/* The cards of a gallery: one picture each, with what is told about it. */

const SIGNS = ["–", "✓", "✗", "?"];
const VERDICTS = ["unlabelled", "right", "wrong", "open"];
const VERDICT_WORDS = ["not labelled", "right", "wrong", ""];
const TOLD = { wrong: (label) => `is ${label}`, open: () => "no class agreed on" };

function line(parent, kind, text) {
  const span = element("span", kind, text);
  parent.append(span);
  return span;
}

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/* The rows of a packed text: see packing.py. */
function unpacked(text) {
  if (!text) return [];
  const [count, shape, digits] = text.split("|");
  const spans = shape.split(",").map((column) => column.split(" ").map(Number));
  let whole = [...digits].reduce((sum, digit) => sum * 64n + BigInt(DIGITS.indexOf(digit)), 0n);
  const rows = Array.from({ length: Number(count) }, () => Array(spans.length));
  for (const row of [...rows].reverse()) {
    for (let column = spans.length - 1; column >= 0; column--) {
      const [span, least] = spans[column];
      row[column] = Number(whole % BigInt(span)) + least;
      whole /= BigInt(span);
    }
  }
  return rows;
}

/* A picture to open. card: [image, answer, label or -1, 4 * per cent + verdict, perhaps another run's answer or -1], or
   [image] alone. names: of the classes by number, null while they are on their way; others: of the answers of another
   run, where it answers with other classes. */
function card([id, answer, label, sure, other = -1], { names, others = names, of }) {
  const [share, verdict] = [Math.floor(sure / VERDICTS.length), sure % VERDICTS.length];
  const made = element("button");
  made.type = "button";
  made.dataset.id = id;
  const picture = thumbnail(of, id, devicePixelRatio > 1.3 ? 320 : 160);
  picture.loading = "lazy";
  picture.onerror = () => made.classList.add("missing");
  made.append(picture);
  let said = `Picture ${id}`;
  if (answer !== undefined && names) {
    made.classList.add(VERDICTS[verdict]);
    const caption = element("span", "caption");
    line(caption, "sign", SIGNS[verdict]);
    line(caption, "name", names[answer]);
    line(caption, "share", shareText(share));
    made.append(caption);
    const tell = TOLD[VERDICTS[verdict]] ?? ((name) => `said: ${name}`);
    const told = label >= 0 ? tell(names[label]) : "";
    if (told) line(made, "label", told);
    const beside = other < 0 ? "" : `other run: ${others[other]}`;
    if (beside) line(made, "beside", beside);
    said += `: ${[names[answer], shareText(share), VERDICT_WORDS[verdict], told, beside].filter(Boolean).join(", ")}`;
  }
  made.setAttribute("aria-label", said);
  made.title = said;
  return made;
}

/* Never 0 or 100 per cent for what is only nearly so. */
function shareText(share) {
  return share === 0 ? "<1%" : share > 100 ? ">99%" : `${share}%`;
}

/* A card that can be marked: an option of a list in which many can be chosen. */
function markable(made, place) {
  made.setAttribute("role", "option");
  made.dataset.place = place;
  const check = line(made, "check", "");
  check.title = "Mark this picture";
  check.setAttribute("aria-hidden", "true"); // the option itself says whether it is marked
  return made;
}

/* A label with its picture: open it again, or take it back. said: [image, words, when, uid]. */
function saidCard([id, words, when, uid], data, takeBack) {
  const box = element("div", "said");
  const picture = card([id], data);
  picture.append(named(words, "name"));
  picture.setAttribute("aria-label", `${words}, ${when}: open again`);
  picture.title = words;
  const foot = element("span", "foot");
  line(foot, "when", when);
  if (uid) {
    const back = element("button", "back", "Take back");
    back.type = "button";
    back.setAttribute("aria-label", `Take back: ${words}`);
    back.onclick = () => takeBack(uid);
    foot.append(back);
  }
  box.append(picture, foot);
  return box;
}
