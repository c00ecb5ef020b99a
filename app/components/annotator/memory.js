/* What was said in this tab, newest last: for undo, for the strip of last labels, and over a reload. */

const DEEPEST_UNDO = 60;
const FINAL = ["is", "none_here", "unusable"]; // with these a picture is done; "is_not" and a skip say too little

/* An item as it came from the app, without the picture in memory. */
function bare({ id, after, width, height, suggestion, said }) {
  return { id, after, width, height, suggestion, said };
}

class Memory {
  constructor({ place, annotator }) {
    this.key = `hmgc.memory/${place}/${annotator}`;
    const { acts = [], skipped = [] } = recall(sessionStorage, this.key, {});
    Object.assign(this, { acts, skipped });
    // image id -> the pass through a queue in which it was labelled; the app knows of those before a reload
    this.labelled = new Map();
  }

  /* act: {uid, kind, node (a key), name, item, pass, isNew: the picture's first label}; kind "skip" has no uid. */
  push(act) {
    this.acts.push({ ...act, item: bare(act.item) });
    this.acts.splice(0, this.acts.length - DEEPEST_UNDO);
    this.count(act);
  }

  count({ kind, item, pass }) {
    if (FINAL.includes(kind)) this.labelled.set(item.id, pass ?? 0);
  }

  /* Something was said about this picture. */
  knows(id) {
    return this.acts.some((act) => act.uid && act.item.id === id);
  }

  /* A label was the first of its picture, as far as we know. */
  isNew(uid) {
    return this.acts.find((act) => act.uid === uid)?.isNew ?? true;
  }

  /* Labelled here, in this pass: a picture that was labelled before it may be due for a second look. */
  isDone(id, pass) {
    return this.labelled.get(id) === pass;
  }

  pop() {
    const act = this.acts.pop();
    if (act) this.settle(act.item.id);
    return act;
  }

  /* Forget one act wherever it stands. */
  remove(uid) {
    const [act] = this.acts.splice(this.acts.findIndex((other) => other.uid === uid), 1);
    this.settle(act.item.id);
    return act;
  }

  /* Forget what was taken back elsewhere. */
  forget(uids) {
    const known = this.acts.filter(({ uid }) => uids.includes(uid));
    for (const { uid } of known) this.remove(uid);
  }

  settle(id) {
    if (!this.acts.some((act) => act.item.id === id && FINAL.includes(act.kind))) this.labelled.delete(id);
  }

  get last() {
    return this.acts.at(-1) ?? null;
  }

  /* What was said against classes for this picture, and still stands. */
  against(id) {
    return this.acts.filter((act) => act.item.id === id && act.kind === "is_not");
  }

  /* The last labels, newest first; of a picture labelled again the label that counts. */
  labels(most) {
    const latest = new Map();
    for (const act of [...this.acts].reverse()) {
      if (FINAL.includes(act.kind) && !latest.has(act.item.id)) latest.set(act.item.id, act);
    }
    return [...latest.values()].slice(0, most);
  }

  save(skipped) {
    remember(sessionStorage, this.key, { acts: this.acts, skipped: [...skipped] });
  }
}

/* Seconds that a picture was on screen, with the tab in front. */
class Watch {
  constructor(signal) {
    this.restart();
    document.addEventListener("visibilitychange", () => this.tick(), { signal });
  }

  restart() {
    Object.assign(this, { seconds: 0, since: performance.now(), runs: !document.hidden });
  }

  tick() {
    const now = performance.now();
    if (this.runs) this.seconds += (now - this.since) / 1000;
    Object.assign(this, { since: now, runs: !document.hidden });
  }

  read() {
    this.tick();
    return Math.round(this.seconds * 100) / 100;
  }
}
