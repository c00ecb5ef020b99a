/* How many pictures the chosen queue has left. Of all unlabelled ones the bar above the picture tells it. */

class Left {
  constructor({ get, onChange }) {
    Object.assign(this, { get, onChange, choice: "", count: null }); // count: null while it is not known
  }

  /* A queue begins: the app counts it, once. */
  async begin(choice) {
    if (choice !== this.choice) Object.assign(this, { choice, count: null });
    if (choice === "unlabelled") return;
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
    if (this.count === null) return null;
    return queue.hasEnded ? queue.ahead.length : this.count;
  }
}
