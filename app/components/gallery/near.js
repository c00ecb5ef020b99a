/* Rows of pictures that are near another one, each a question with what they say to it. The same picture may stand in
   several rows, and is marked in all of them. */

// Another class than the answer is no mistake of anybody: it has a sign and a colour of its own.
const AGREEMENT = ["known", "alike", "other"];
const AGREEMENT_SIGNS = ["–", "=", "≠"];
const AGREEMENT_WORDS = ["not known this far down", "the model's answer", "another class"];

/* rows: {title, told, tiles, otherTitle, other}; a tile is [image, name, sign, by, near, exact]. What is near in figures
   stands in the tooltip. */
function nearRows({ rows, of }) {
  return rows.map(({ title, told, tiles, otherTitle, other }) => {
    const row = element("section");
    const body = element("div", "sides");
    body.append(nearSide(told, tiles, title, of));
    if (other.length) body.append(nearSide(otherTitle, other, otherTitle, of));
    row.append(element("h4", "", title), body);
    return row;
  });
}

function nearSide(told, tiles, label, of) {
  const side = element("div", "side");
  side.append(element("p", "", told));
  if (!tiles.length) return side;
  const strip = element("div", "gallery strip");
  strip.setAttribute("role", "group");
  strip.setAttribute("aria-label", label);
  strip.append(...tiles.map((tile) => nearCard(tile, of)));
  side.append(strip);
  return side;
}

function nearCard([id, name, sign, by, near, exact], of) {
  const made = card([id], { of });
  made.classList.add(AGREEMENT[sign]);
  const caption = element("span", "caption");
  line(caption, "sign", AGREEMENT_SIGNS[sign]);
  caption.append(named(name, "name"));
  made.append(caption, named(near, "about"), named(by, "about"));
  made.title = `Picture ${id}: ${name} (${AGREEMENT_WORDS[sign]}), ${by}, ${near}, ${exact}`;
  made.setAttribute("aria-label", made.title);
  return made;
}
