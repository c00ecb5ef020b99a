/* What stands in words where the pictures would be, and above them. */

const UNTRAINED =
  "No model is trained yet, so these come in the order of the queue. " +
  "After the first training, pictures that look alike stand together.";
const UNSEEN = "The newest model has not seen these, so they come in the order of the queue.";

/* What stands where the pictures would be: {title, text, action, actionText, isBusy}. */
function wallMessage({ screens, tree, versions }) {
  const problem = screens.problem ?? (tree ? null : versions.problem);
  if (problem || !screens.isFinished || !tree) {
    return messageFor({ item: null, tree, versions, queue: { problem, isFinished: false } });
  }
  if (!screens.aside.size) return endMessage(0);
  const text = `You put ${count(screens.aside.size, "picture", "pictures")} aside.`;
  return { title: "Everything else is labelled", text, action: "takeAside", actionText: "Show them together" };
}

/* What a batch did: "46 as Bird, 2 unusable". */
function doneWords({ labelled, unusable, name }) {
  const parts = [labelled && `${labelled.toLocaleString()} as ${name}`, unusable && `${unusable} unusable`];
  return parts.filter(Boolean).join(", ") || "put aside";
}
