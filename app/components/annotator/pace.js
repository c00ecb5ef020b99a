/* How labelling goes, for the person who labels and nobody else: it stays in this browser. Counted for this sitting and
   for today. Time without a key, a click or a move of the mouse counts as work up to PAUSE_MS at a stretch; a longer
   stretch was a pause, and none of it counts. */

const PAUSE_MS = 30000;
const SITTING_ENDS_MS = 30 * 60000; // whoever comes back later sits down anew
const KEEP_AFTER_MS = 1000;
const MOST_USES = 400; // classes whose use is remembered

function emptyTally() {
  return { labels: 0, presses: 0, ms: 0, levels: [], unusable: 0 };
}

/* The sum of two tallies. */
function together(one, other) {
  const sum = emptyTally();
  for (const name of ["labels", "presses", "ms", "unusable"]) sum[name] = one[name] + other[name];
  const levels = Math.max(one.levels.length, other.levels.length);
  sum.levels = Array.from({ length: levels }, (_, level) => (one.levels[level] ?? 0) + (other.levels[level] ?? 0));
  return sum;
}

function dayOf(date = new Date()) {
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].join("-");
}

class Pace {
  constructor({ place, annotator }, signal) {
    this.dayKey = `hmgc.pace/${place}/${annotator}`;
    this.usesKey = `hmgc.uses/${place}/${annotator}`;
    this.sittingKey = `hmgc.sitting/${place}/${annotator}`;
    const { tally, until } = recall(sessionStorage, this.sittingKey, {});
    this.sitting = until > Date.now() - SITTING_ENDS_MS ? tally : emptyTally();
    this.fresh = emptyTally(); // what is not yet added to the day
    this.freshUses = new Map(); // class key -> times
    this.last = null;
    const touch = () => this.touch();
    for (const name of ["keydown", "pointerdown", "pointermove", "wheel"]) {
      window.addEventListener(name, touch, { capture: true, passive: true, signal });
    }
    window.addEventListener("pagehide", () => this.keep(), { signal });
    signal.addEventListener("abort", () => this.keep());
  }

  /* Somebody is here. */
  touch(now = performance.now()) {
    const gap = this.last === null ? 0 : now - this.last;
    this.last = now;
    if (gap > SITTING_ENDS_MS) this.sitting = emptyTally();
    if (gap > PAUSE_MS) return;
    this.sitting.ms += gap;
    this.fresh.ms += gap;
  }

  /* A key or a click that meant something. */
  press() {
    this.sitting.presses += 1;
    this.fresh.presses += 1;
  }

  /* A label was given (by: 1) or taken back (-1). level: 0 for the root, -1 for "unusable". */
  count({ level, key, by }) {
    for (const tally of [this.sitting, this.fresh]) {
      tally.labels += by;
      if (level < 0) tally.unusable += by;
      else tally.levels[level] = (tally.levels[level] ?? 0) + by;
    }
    if (key) this.freshUses.set(key, (this.freshUses.get(key) ?? 0) + by);
    this.keeping ??= setTimeout(() => this.keep(), KEEP_AFTER_MS); // later, off the way to the next picture
  }

  get today() {
    const kept = recall(localStorage, this.dayKey, {});
    return together(kept.day === dayOf() ? kept.tally : emptyTally(), this.fresh);
  }

  /* class key -> how often this person used it here. */
  get uses() {
    const uses = recall(localStorage, this.usesKey, {});
    for (const [key, by] of this.freshUses) uses[key] = (uses[key] ?? 0) + by;
    return uses;
  }

  /* Add what is fresh to what is kept; other tabs of the same person add theirs. */
  keep() {
    clearTimeout(this.keeping);
    this.keeping = null;
    remember(sessionStorage, this.sittingKey, { tally: this.sitting, until: Date.now() });
    remember(localStorage, this.dayKey, { day: dayOf(), tally: this.today });
    const often = Object.entries(this.uses).filter(([, times]) => times > 0);
    remember(localStorage, this.usesKey, Object.fromEntries(often.sort((a, b) => b[1] - a[1]).slice(0, MOST_USES)));
    this.fresh = emptyTally();
    this.freshUses.clear();
  }
}
