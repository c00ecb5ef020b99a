/* Versions of the class tree: the one on screen, and a newer one that waits for the next picture. */

const WARM_UP_MS = 500;

class Versions {
  /* get(path): one request. onFirst: there is a tree at last. onNewer: another one waits. onTrouble: see `problem`. */
  constructor({ get, signal, onFirst, onNewer, onTrouble }) {
    Object.assign(this, { get, signal, onFirst, onNewer, onTrouble });
    Object.assign(this, { tree: null, next: null, wanted: null, problem: null });
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  /* The app says that this version is in use: {version, hash}. */
  hearOf(version) {
    // A tree may come back with its former content as a later version, and labels carry the version.
    if (version.hash === this.wanted?.hash && version.version === this.wanted.version) return;
    this.wanted = version;
    this.load();
  }

  async load() {
    clearTimeout(this.timer);
    const wanted = this.wanted;
    const answer = await this.get(`/api/taxonomy/${wanted.hash}`);
    if (this.signal.aborted || wanted !== this.wanted) return;
    this.problem = answer.kind === "ok" ? null : answer;
    if (this.problem) {
      this.timer = setTimeout(() => this.load(), AGAIN_MS);
      this.onTrouble();
      return;
    }
    const tree = new Tree(answer.value, wanted);
    setTimeout(() => tree.searchable(), WARM_UP_MS); // the first letter typed shall not wait for it
    setTimeout(() => tree.words(), 2 * WARM_UP_MS);
    this.next = tree;
    if (this.tree) this.onNewer();
    else this.onFirst();
  }

  /* The tree to use from now on; null before the first has come. */
  take() {
    if (this.next) Object.assign(this, { tree: this.next, next: null });
    return this.tree;
  }
}
