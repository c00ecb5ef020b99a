/* The sheet that shows a person how their labelling goes: this sitting beside today, compared with nobody. */

const FEWEST_TO_TELL = 5; // labels; fewer say nothing about speed

class PaceSheet {
  constructor({ pace, paceRows, paceLevels }, counted) {
    Object.assign(this, { box: pace, rows: paceRows, levels: paceLevels, counted });
  }

  open() {
    const { sitting, today } = this.counted;
    const lines = [
      ["Labels", ({ labels }) => whole(labels)],
      ["Time at work", ({ ms }) => spokenTime(ms)],
      ["Labels an hour", (tally) => told(tally, ({ labels, ms }) => (ms < 1000 ? "–" : whole(Math.round(labels / (ms / 3.6e6)))))],
      ["Keys and clicks a label", (tally) => told(tally, ({ presses, labels }) => (presses / labels).toFixed(1))],
    ];
    this.rows.replaceChildren(...lines.map(([words, tell]) => tableRow(words, tell(sitting), tell(today))));
    const levels = Math.max(sitting.levels.length, today.levels.length);
    const drawn = Array.from({ length: levels }, (_, level) => this.level(levelWords(level), today.levels[level], today));
    if (today.unusable) drawn.push(this.level("Unusable", today.unusable, today));
    this.levels.replaceChildren(...drawn);
    this.box.showModal();
  }

  level(words, times = 0, { labels }) {
    const bar = element("progress");
    Object.assign(bar, { max: Math.max(1, labels), value: times });
    bar.setAttribute("aria-hidden", "true");
    const made = element("li");
    made.append(element("span", "", words), bar, element("span", "times", whole(times)));
    return made;
  }
}

function told(tally, tell) {
  return tally.labels < FEWEST_TO_TELL ? "–" : tell(tally);
}

function levelWords(level) {
  return level ? `Level ${level}${level === 1 ? ", the top" : ""}` : "Can’t tell";
}

function spokenTime(ms) {
  const minutes = Math.floor(ms / 60000);
  if (minutes < 1) return `${Math.round(ms / 1000)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function tableRow(words, ...cells) {
  const made = element("tr");
  const head = element("th", "", words);
  head.scope = "row";
  made.append(head, ...cells.map((text) => element("td", "", text)));
  return made;
}
