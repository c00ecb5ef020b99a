/* How many pictures the chosen queue has left for this person. Of all unlabelled ones the bar above the picture tells it,
   where one label is enough: where each needs several, it counts those that have one, by whomever. */

class Left {
  constructor({ get, onChange }) {
    Object.assign(this, { get, onChange });
    this.begin("");
  }

  /* A queue begins, or begins anew. count: null while it is not known. */
  begin(choice) {
    Object.assign(this, { choice, count: null, asked: false, inBar: choice === "unlabelled" });
  }

  /* An answer of the queue came. Only one that goes on has to be counted by the app, once. */
  async hear(goesOn, people) {
    const { choice } = this;
    this.inBar = choice === "unlabelled" && people === 1;
    if (!goesOn || this.asked || this.inBar) return;
    this.asked = true;
    const answer = await this.get(`/api/queue/size?queue=${encodeURIComponent(choice)}`);
    if (answer.kind !== "ok" || choice !== this.choice) return;
    this.count = answer.value.left;
    this.onChange();
  }

  /* One picture less. One that was put back on screen was counted before. */
  done({ stays }) {
    if (this.count && !stays) this.count -= 1;
  }

  /* What is to be said; null for nothing. Near the end the queue itself knows best: all that comes is ahead. */
  of(queue) {
    if (this.inBar) return null;
    return queue.hasEnded ? queue.ahead.length : this.count;
  }
}
