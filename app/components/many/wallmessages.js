/* What stands in words where the pictures would be, and above them. */

const UNTRAINED =
  "No model is trained yet, so these come in the order of the queue. " +
  "After the first training, pictures that look alike stand together.";
const UNSEEN = "The newest model has not seen these, so they come in the order of the queue.";

/* What stands where the pictures would be: {title, text, action, actionText, isBusy}. */
function wallMessage({ screens, tree, versions, counts, made }) {
  const problem = screens.problem ?? (tree ? null : versions.problem);
  if (problem || !screens.isFinished || !tree) {
    return messageFor({ item: null, tree, versions, queue: { problem, isFinished: false } });
  }
  if (!screens.aside.size) return wallEnd(counts.images - counts.labelled - made);
  const text = `You put ${count(screens.aside.size, "picture", "pictures")} aside.`;
  return { title: "Everything else is labelled", text, action: "takeAside", actionText: "Show them together" };
}

/* left: how many pictures have no label. */
function wallEnd(left) {
  const action = { action: "again", actionText: "Look again" };
  if (left <= 0) {
    return { title: "Everything is labelled", text: "New pictures show up here as they come in.", ...action };
  }
  const text = `${count(left, "picture is", "pictures are")} in their hands now. What they leave comes to you.`;
  return { title: "Others have the last pictures", text, ...action };
}

/* What a batch did: "46 as Bird, 2 unusable". */
function doneWords({ labelled, unusable, name }) {
  const parts = [labelled && `${labelled.toLocaleString()} as ${name}`, unusable && `${unusable} unusable`];
  return parts.filter(Boolean).join(", ") || "put aside";
}
