/* What was done in this tab, a screen at a time, newest last: for undo, and over a reload. */

const MOST_BATCHES = 20;

/* A screen as it came from the app, without the pictures in memory. */
function bareScreen({ tiles, order, run, isRound }) {
  const bareTile = ({ id, width, height, suggestion, mark }) => ({ id, width, height, suggestion, mark });
  return { tiles: tiles.map(bareTile), order, run, isRound };
}

class Batches {
  /* aside: ids of pictures that come back later. marks: [id, mark] of those not simply in, on the screen of now. */
  constructor({ place, annotator }) {
    this.key = `hmgc.many/${place}/${annotator}`;
    this.marksKey = `hmgc.marks/${place}/${annotator}`;
    const { acts = [], aside = [] } = recall(sessionStorage, this.key, {});
    Object.assign(this, { acts, aside, marks: recall(sessionStorage, this.marksKey, []) });
  }

  /* act: {uids, node (a key, "" for a screen passed over), name, labelled (how many), screen}. */
  push(act) {
    this.acts.push({ ...act, screen: bareScreen(act.screen) });
    this.acts.splice(0, this.acts.length - MOST_BATCHES);
  }

  pop() {
    return this.acts.pop();
  }

  get last() {
    return this.acts.at(-1) ?? null;
  }

  /* What was done, and what is put aside. Where the storage is full, the older screens are not kept over a reload. */
  save(aside) {
    let kept = this.acts;
    while (!remember(sessionStorage, this.key, { acts: kept, aside }) && kept.length) {
      kept = kept.slice(Math.ceil(kept.length / 2));
    }
  }

  /* By themselves: they change with every click, and what was done is long. */
  saveMarks(marks) {
    remember(sessionStorage, this.marksKey, marks);
  }
}
