/* What is said at the end of a queue, and what to do next: {title, text, action, actionText}. */

function endMessage(queue, counts) {
  const skipped = Math.max(queue.skipped.size, queue.left.skipped);
  if (skipped) {
    const text = `You skipped ${count(skipped, "picture", "pictures")}.`;
    return { title: "Everything else is labelled", text, action: "again", actionText: "Show them again" };
  }
  const { held } = queue.left;
  if (held) {
    const text = `${count(held, "picture is", "pictures are")} in their hands now. What they leave comes to you.`;
    return { title: "Others have the last pictures", text, action: "lookAgain", actionText: "Look again" };
  }
  if (queue.choice === "unlabelled" && counts?.labelled === counts?.images) {
    const text = "New pictures show up here as they come in.";
    return { title: "Everything is labelled", text, action: "again", actionText: "Look again" };
  }
  const title = queue.isEmpty ? "There is no picture here for you" : "You are through with these pictures";
  const text = "Others may be waiting.";
  return { title, text, action: "chooseQueue", actionText: "Choose pictures" };
}
