/* Getting along with the frame around us. */

const CONNECTION_LOST = "Connection error"; // the heading of Streamlit's dialog

/* Streamlit stops the whole page to say that the app cannot be reached. We go on without the app, and say so ourselves:
   close that dialog whenever it comes up. Any other dialog is none of our business. */
function goOnWithoutApp({ signal, onLost }) {
  const close = () => {
    const headings = [...document.querySelectorAll("[role=dialog] h2")];
    const dialog = headings.find((heading) => heading.textContent === CONNECTION_LOST)?.closest("[role=dialog]");
    if (!dialog) return;
    dialog.querySelector("button")?.click();
    onLost();
  };
  const watcher = new MutationObserver(close);
  watcher.observe(document.body, { childList: true });
  signal.addEventListener("abort", () => watcher.disconnect());
}
