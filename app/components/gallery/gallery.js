// A grid of picture buttons. Data: names, and cards of [image, answer, label or -1, share, verdict]; -1 and missing: none.
const SIGNS = ["–", "✓", "✗"]
const WORDS = ["not labelled", "right", "wrong"]
const drawn = new WeakMap()

function line(parent, kind, text) {
  const span = document.createElement("span")
  span.className = kind
  span.textContent = text
  parent.append(span)
}

function tile([id, answer, label, share, verdict], { names, of }, open) {
  const button = document.createElement("button")
  button.type = "button"
  button.onclick = () => open(id)
  const picture = document.createElement("img")
  picture.loading = "lazy"
  picture.decoding = "async"
  picture.alt = ""
  picture.onerror = () => button.classList.add("missing")
  picture.src = `/api/images/${id}?w=${devicePixelRatio > 1.3 ? 320 : 160}&of=${of}`
  button.append(picture)
  let said = `Picture ${id}`
  if (answer !== undefined) {
    button.classList.add(["unlabelled", "right", "wrong"][verdict])
    const caption = document.createElement("span")
    caption.className = "caption"
    line(caption, "sign", SIGNS[verdict])
    line(caption, "name", names[answer])
    line(caption, "share", share)
    button.append(caption)
    if (label >= 0) line(button, "label", `is ${names[label]}`)
    said += `: ${names[answer]}, ${share}, ${WORDS[verdict]}${label >= 0 ? `, is ${names[label]}` : ""}`
  }
  button.setAttribute("aria-label", said)
  button.title = said
  return button
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".gallery")
  const content = JSON.stringify(data)
  if (drawn.get(parentElement) === content) return  // only the theme changed
  drawn.set(parentElement, content)
  const open = (id) => setTriggerValue("opened", id)
  grid.replaceChildren(...data.cards.map((card) => tile(card, data, open)))
  grid.onkeydown = (event) => {
    const step = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[event.key]
    if (step && event.target[step]) event.target[step].focus()
  }
}
