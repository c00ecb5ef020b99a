/* What is done with marked pictures: sent in parts, again while the app is away, and remembered so that it can be taken
   back after a reload too. */

const PART = 500; // pictures in one request, as the app takes them
const TRIES = 5;
const FIRST_PAUSE_MS = 400;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

class Acts {
  /* data: place, scope, token. onLocked: a new token is needed. */
  constructor({ place, scope, token, onLocked }) {
    Object.assign(this, { token, onLocked, key: `hmgc.act/${place}/${scope}` });
    this.last = recall(sessionStorage, this.key, null);
  }

  /* One request; as `ask` answers. While the app is away it is sent again: nothing here is harmed by a second time. */
  async send(path, body) {
    for (let tries = 1; ; tries += 1) {
      const answer = await ask(path, { token: this.token, body });
      if (answer.kind === "locked") this.onLocked();
      if (answer.kind !== "away" || tries === TRIES) return answer;
      await pause(FIRST_PAUSE_MS * 2 ** (tries - 1));
    }
  }

  /* Send pictures in parts. onPart(answer, ids, number so far); gives the answer that stopped it, null for none. */
  async inParts(path, body, ids, onPart) {
    for (let start = 0; start < ids.length; start += PART) {
      const part = ids.slice(start, start + PART);
      const answer = await this.send(path, { ...body, images: part });
      if (answer.kind !== "ok") return answer;
      onPart(answer.value, part, start + part.length);
    }
    return null;
  }

  /* act: {kind, group, node, name, version, ids, refused}. Kept before it is sent: a tab that is closed in the middle
     can still take back what had come through. */
  keep(act) {
    this.last = act;
    remember(sessionStorage, this.key, act);
  }

  /* Take the last act back, whole; null, or what went wrong. */
  async undo() {
    const { kind, group, node, ids } = this.last;
    this.undoneOfNobody = false;
    const path = { reference: "/api/marked/references/remove", unreference: "/api/marked/references" }[kind];
    if (path) return this.undone(await this.inParts(path, { node }, ids, () => {}));
    const answer = await this.send("/api/marked/labels/undo", { group });
    // Labels are taken back by who made them.
    this.undoneOfNobody = answer.kind === "ok" && !answer.value.withdrawn && this.last.saved > 0;
    if (this.undoneOfNobody) return null;
    return this.undone(answer.kind === "ok" ? null : answer);
  }

  undone(problem) {
    if (!problem) this.keep(null);
    return problem;
  }
}

/* What went wrong, in words. */
function problemText({ kind, error, remedy }) {
  if (kind === "away") return "The app cannot be reached. Try again.";
  return [error, remedy].map(sentence).filter(Boolean).join(" ");
}

function pictures(total) {
  return count(total, "picture", "pictures");
}
