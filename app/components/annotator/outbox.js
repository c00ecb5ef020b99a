/* Labels on their way: kept in the browser's storage until the app has acknowledged them, sent in order and in batches,
   one request at a time. Every entry has a storage key of its own, so tabs never write over each other. */

const BATCH = 40; // labels in one request; a label is below half a kilobyte, a request may have 64
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;
const ADOPT_AFTER_MS = 20000; // an entry this old was left behind by a tab that is gone
const LOOK_EVERY_MS = 2000; // at what other tabs of this browser have on their way

class Outbox {
  /* onSaved(value): the app's answer to what it has stored. onLocked: it wants a new token. */
  constructor({ place, annotator, token, onChange, onSaved, onLocked }) {
    Object.assign(this, { annotator, token, onChange, onSaved, onLocked });
    this.prefix = `hmgc.outbox/${place}/`;
    this.tab = recall(sessionStorage, "hmgc.tab", "") || newUid();
    remember(sessionStorage, "hmgc.tab", this.tab);
    this.entries = new Map(); // uid -> entry
    this.lastOrder = 0;
    this.state = "idle"; // idle, sending, away, locked
    this.unkept = new Set(); // uids of entries that this browser has no room for
    this.wake = () => {};
    this.elsewhere = []; // entries of this person that another tab is to send, or leaves to us
    this.adopt();
    this.sweeper = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /* Entries that wait to be sent. */
  get waiting() {
    return [...this.entries.values()].filter((entry) => !entry.error);
  }

  /* false: some would be lost with the page. */
  get isKept() {
    return !this.unkept.size;
  }

  /* Entries the app will not take as they are; they stay until a person decides. */
  get refused() {
    return [...this.entries.values()].filter((entry) => entry.error);
  }

  /* A label that ends the work on this picture is on its way. */
  holds(id) {
    return [...this.waiting, ...this.elsewhere].some(({ body }) => body?.image_id === id && FINAL.includes(body.kind));
  }

  addLabel(label) {
    this.add({ uid: label.uid, body: label });
  }

  /* Take a label back: before it was ever sent it just goes, afterwards the app has to be told. */
  takeBack(uid) {
    const entry = this.entries.get(uid);
    // Another tab may have adopted an old entry and be sending it at this moment.
    const isOurs = entry && !entry.tried && Date.now() - entry.order < ADOPT_AFTER_MS / 2;
    if (isOurs || entry?.error) this.drop(entry);
    else this.add({ uid: `withdraw-${uid}`, withdraws: uid });
    this.onChange();
  }

  retry(entry) {
    entry.error = null;
    this.keep(entry);
    this.flush();
  }

  drop(entry) {
    this.entries.delete(entry.uid);
    this.unkept.delete(entry.uid);
    try {
      localStorage.removeItem(this.prefix + entry.uid);
    } catch {
      // It was never stored.
    }
    this.onChange();
  }

  setToken(token) {
    this.token = token;
    if (this.state === "locked") this.state = "idle";
    this.flush();
  }

  close() {
    this.closed = true;
    clearInterval(this.sweeper);
    this.wake();
  }

  // --- inside ----------------------------------------------------------------------------------------------------

  add(part) {
    this.lastOrder = Math.max(Date.now(), this.lastOrder + 0.001);
    const entry = { by: this.annotator, tab: this.tab, order: this.lastOrder, tried: false, error: null, ...part };
    this.entries.set(entry.uid, entry);
    this.keep(entry);
    setTimeout(() => this.flush()); // first the next picture, then the line
  }

  keep(entry) {
    if (remember(localStorage, this.prefix + entry.uid, entry)) this.unkept.delete(entry.uid);
    else this.unkept.add(entry.uid);
    this.onChange();
  }

  stored() {
    const found = [];
    try {
      for (let i = 0; i < localStorage.length; i += 1) {
        const key = localStorage.key(i);
        const entry = key.startsWith(this.prefix) ? recall(localStorage, key, null) : null;
        if (entry?.uid && entry.order) found.push(entry);
      }
    } catch {
      // Storage is forbidden: there is nothing.
    }
    return found.sort((a, b) => a.order - b.order);
  }

  /* Take over what this tab left before a reload, and what tabs that are gone left behind. */
  adopt() {
    const stored = this.stored();
    this.foreign = stored.filter((entry) => entry.by !== this.annotator).length; // labels of others wait for them
    for (const entry of stored) {
      const isLeft = entry.tab === this.tab || Date.now() - entry.order > ADOPT_AFTER_MS;
      if (entry.by === this.annotator && isLeft && !this.entries.has(entry.uid)) this.entries.set(entry.uid, entry);
    }
    this.elsewhere = stored.filter(({ by, uid, error }) => by === this.annotator && !error && !this.entries.has(uid));
    if (this.waiting.length) this.flush();
  }

  look() {
    const told = () => `${this.elsewhere.length} ${this.foreign} ${this.entries.size}`;
    const before = told();
    this.adopt();
    if (told() !== before) this.onChange();
  }

  async flush() {
    if (this.busy || this.closed || this.state === "locked") return;
    this.busy = true;
    let pause = FIRST_PAUSE_MS;
    for (let batch = this.next(); batch.length && !this.closed; batch = this.next()) {
      if (this.state === "idle") this.setState("sending");
      const outcome = await this.send(batch);
      if (outcome.kind === "ok") pause = FIRST_PAUSE_MS;
      this.settle(batch, outcome);
      if (outcome.kind === "locked") break;
      if (outcome.kind === "away") {
        await this.sleep(pause * (0.8 + 0.4 * Math.random())); // apart, so that twenty browsers do not knock at once
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
    }
    this.busy = false;
    if (this.state !== "locked") this.setState("idle");
  }

  /* What goes out next: labels up to a withdrawal, or one withdrawal. */
  next() {
    const waiting = this.waiting.sort((a, b) => a.order - b.order);
    if (!waiting.length || waiting[0].withdraws || waiting[0].alone) return waiting.slice(0, 1);
    const end = waiting.findIndex((entry) => entry.withdraws || entry.alone);
    return waiting.slice(0, Math.min(end < 0 ? BATCH : end, BATCH));
  }

  async send(batch) {
    const [first] = batch;
    for (const entry of batch) {
      if (entry.tried) continue;
      entry.tried = true; // from here on the app may have it, acknowledged or not
      this.keep(entry);
    }
    const token = this.token;
    if (first.withdraws) {
      const path = `/api/labels/${encodeURIComponent(first.withdraws)}/withdraw`;
      return sure(await ask(path, { token, body: {} }), "withdrawn");
    }
    return sure(await ask("/api/labels", { token, body: { labels: batch.map((entry) => entry.body) } }), "saved");
  }

  settle(batch, outcome) {
    if (outcome.kind === "ok") {
      batch.forEach((entry) => this.drop(entry));
      this.onSaved(outcome.value);
      this.setState("sending");
    } else if (outcome.kind === "refused" && batch.length > 1) {
      // The app takes a batch whole or not at all: one by one, the good ones get through.
      batch.forEach((entry) => (entry.alone = true));
    } else if (outcome.kind === "refused") {
      batch[0].error = { error: outcome.error, remedy: outcome.remedy ?? "" };
      this.keep(batch[0]);
    } else {
      this.setState(outcome.kind);
      if (outcome.kind === "locked") this.onLocked();
    }
  }

  setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.onChange();
  }

  sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/* An "ok" without the field that only our app sends is no acknowledgement. */
function sure(outcome, field) {
  return outcome.kind === "ok" && outcome.value?.[field] === undefined ? { kind: "away" } : outcome;
}
