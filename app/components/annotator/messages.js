/* What the annotator says in words: how far saving is, and what stands where the picture would be. */

function count(number, singular, plural) {
  return `${whole(number)} ${number === 1 ? singular : plural}`;
}

/* Our errors begin small and end without a stop, so that they can stand inside a line. */
function sentence(text = "") {
  return text && `${text[0].toUpperCase()}${text.slice(1)}.`;
}

function percent(probability) {
  return probability < 0.005 ? "<1\u202f%" : `${Math.round(100 * probability)}\u202f%`;
}

/* How far saving is, truthfully: {text, mood}. */
function statusFor(outbox, queue) {
  const waiting = outbox.waiting.length;
  const keep = outbox.isKept ? "" : "; keep this page open";
  if (outbox.state === "locked") return { text: `Not saved: ${waiting} waiting, reload the page${keep}`, mood: "bad" };
  if (outbox.state === "away") {
    return { text: `Not saved: ${waiting} waiting, the app cannot be reached${keep}`, mood: "bad" };
  }
  if (waiting) return { text: `Saving ${waiting}…`, mood: "busy" };
  const elsewhere = outbox.elsewhere.length;
  if (elsewhere) return { text: `${elsewhere} from another tab on the way…`, mood: "busy" };
  if (queue.problem?.kind === "away") return { text: "The app cannot be reached", mood: "bad" };
  return { text: outbox.refused.length ? "The rest is saved" : "All saved", mood: "good" };
}

/* What stands where the picture would be: {title, text, action, actionText, isBusy}. */
function messageFor({ item, tree, versions, queue, counts }) {
  const problem = queue.problem ?? (tree ? null : versions.problem);
  if (item?.state === "broken" && problem?.kind !== "away") {
    const text = "Mark it as unusable, skip it, or try again.";
    return { title: "This picture cannot be shown", text, action: "tryNow", actionText: "Try again" };
  }
  if (problem && problem.kind !== "away") {
    const [title, text] = [problem.error, problem.remedy].map(sentence);
    return { title, text, action: "tryNow", actionText: "Try again" };
  }
  if (problem) {
    const text = "Your labels are safe in this browser. Trying again…";
    return { title: "The app cannot be reached", text, action: "tryNow", actionText: "Try now" };
  }
  if (queue.isFinished && tree) return endMessage(queue, counts);
  return { title: "", text: "Getting the next picture…", isBusy: true };
}
