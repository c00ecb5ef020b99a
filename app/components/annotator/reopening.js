/* A picture asked for out of its turn, e.g. from the list of one's own labels. Each wish is granted once: a reload or a
   visit to another page does not bring the picture back. */

const GRANTED = "hmgc.reopened";

class Reopening {
  /* get(path): one request. onItem(item, word, whence): the picture, what this person says about it now or null, and where
     the wish came from. */
  constructor({ get, onItem, onTrouble }) {
    Object.assign(this, { get, onItem, onTrouble });
  }

  /* wish: {image, once, whence} or null; `once` tells one wish from the next. */
  async hear(wish) {
    const granted = this.granted ?? recall(sessionStorage, GRANTED, "");
    if (!wish || granted === wish.once) return;
    this.granted = wish.once; // where the browser stores nothing
    remember(sessionStorage, GRANTED, wish.once);
    const answer = await this.get(`/api/queue/images/${Number(wish.image)}`);
    if (answer.kind === "ok") this.onItem(answer.value.item, answer.value.word, wish.whence);
    else this.onTrouble(`This picture cannot be opened now. Try again from ${wish.whence}.`);
  }
}
