/* Which pictures are marked: kept in this tab over pages of a gallery, reruns and reloads. Knows nothing of the screen. */

const MOST_MARKED = 5000; // as many as the app looks at in one request

class Marks {
  /* place: the workspace; scope: the gallery. onChange: after each change. */
  constructor({ place, scope, onChange }) {
    this.key = `hmgc.marked/${place}/${scope}`;
    this.onChange = onChange;
    const kept = recall(sessionStorage, this.key, []);
    this.ids = new Set((Array.isArray(kept) ? kept : []).filter(Number.isSafeInteger));
    this.cleared = [];
  }

  get size() {
    return this.ids.size;
  }

  get isFull() {
    return this.ids.size >= MOST_MARKED;
  }

  has(id) {
    return this.ids.has(id);
  }

  /* In the order in which they were marked. */
  all() {
    return [...this.ids];
  }

  /* Mark these, or take their marks away. */
  put(ids, isMarked) {
    for (const id of ids) {
      if (!isMarked) this.ids.delete(id);
      else if (!this.isFull) this.ids.add(id);
    }
    this.changed();
  }

  toggle(id) {
    this.put([id], !this.has(id));
  }

  /* All marks away; `bringBack` undoes it. */
  clear() {
    this.cleared = this.all();
    this.ids.clear();
    this.changed();
  }

  bringBack() {
    const { cleared } = this;
    this.cleared = [];
    this.put(cleared, true);
  }

  changed() {
    remember(sessionStorage, this.key, this.all());
    this.onChange();
  }
}
