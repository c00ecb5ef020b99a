/* Keeps the pictures ahead reserved while the page is open, so that other people get other ones. */

const RENEWALS = 3; // within the time that a reservation lasts
const SHORTEST_HOLD_MS = 5000;

class Hold {
  /* queue: whose pictures are held. post(path, body): one request. onEnd: there is none, but there may be by now. */
  constructor({ queue, post, signal, onEnd }) {
    Object.assign(this, { queue, post, onEnd, seconds: 0 });
    // A laptop that wakes up: what it still shows may be labelled since, or in other hands.
    const wake = () => document.hidden || this.renew();
    document.addEventListener("visibilitychange", wake, { signal });
    window.addEventListener("online", wake, { signal });
    signal.addEventListener("abort", () => clearInterval(this.timer));
  }

  /* A reservation lasts this long. */
  lasts(seconds) {
    if (seconds === this.seconds) return;
    this.seconds = seconds;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.renew(), Math.max(SHORTEST_HOLD_MS, (1000 * seconds) / RENEWALS));
  }

  async renew() {
    const { choice, ahead } = this.queue;
    const images = ahead.map(({ id }) => id);
    if (this.queue.isFinished) this.onEnd(); // what others leave, and what came in, comes by itself
    if (!images.length) return;
    const answer = await this.post("/api/queue/hold", { queue: choice, images });
    if (answer.kind === "ok" && choice === this.queue.choice) this.queue.keep(answer.value.held, images);
  }
}
