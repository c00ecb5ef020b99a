/* Hears which mark was chosen on a chart, so that the pictures alone are drawn anew and not the chart, and names it. */

const HEARD_MARKS = new WeakMap();

export function nameMark({ data, parentElement, setTriggerValue }) {
  styled(parentElement);
  const bar = parentElement.querySelector(".mark-name");
  forgetMarks({ parentElement });
  const listening = new AbortController();
  HEARD_MARKS.set(parentElement, listening);
  window.addEventListener("hmgc-mark", (event) => {
    bar.dataset.wanted = event.detail;
    setTriggerValue("chosen", event.detail);
  }, { signal: listening.signal });
  bar.replaceChildren();
  bar.classList.toggle("problem", Boolean(data.problem));
  if (data.words) {
    const words = document.createElement("bdi");
    words.textContent = data.words;
    const clear = document.createElement("button");
    clear.type = "button";
    clear.textContent = "Show all again";
    clear.onclick = () => {
      window.dispatchEvent(new CustomEvent("hmgc-marked", { detail: "" }));
      setTriggerValue("chosen", "");
    };
    bar.append(words, clear);
  }
  const isNew = bar.dataset.wanted === data.mark && data.mark;
  if (isNew && bar.getBoundingClientRect().top > innerHeight * 0.6) bar.scrollIntoView({ block: "center" });
  delete bar.dataset.wanted;
}

export function forgetMarks({ parentElement }) {
  HEARD_MARKS.get(parentElement)?.abort();
}
