// Hears which mark was chosen on a chart, so that the pictures alone are drawn anew and not the chart, and names it.
const heard = new WeakMap()

function tell(mark) {
  window.dispatchEvent(new CustomEvent("hmgc-marked", { detail: mark }))
}

export default function ({ data, parentElement, setTriggerValue }) {
  const bar = parentElement.querySelector(".bar")
  heard.get(parentElement)?.abort()
  const listening = new AbortController()
  heard.set(parentElement, listening)
  window.addEventListener("hmgc-mark", (event) => {
    bar.dataset.wanted = event.detail
    setTriggerValue("chosen", event.detail)
  }, { signal: listening.signal })
  bar.replaceChildren()
  bar.classList.toggle("problem", Boolean(data.problem))
  if (data.words) {
    const words = document.createElement("bdi")
    words.textContent = data.words
    const clear = document.createElement("button")
    clear.type = "button"
    clear.textContent = "Show all again"
    clear.onclick = () => {
      tell("")
      setTriggerValue("chosen", "")
    }
    bar.append(words, clear)
  }
  const isNew = bar.dataset.wanted === data.mark && data.mark
  if (isNew && bar.getBoundingClientRect().top > innerHeight * 0.6) bar.scrollIntoView({ block: "center" })
  delete bar.dataset.wanted
  return () => listening.abort()
}
