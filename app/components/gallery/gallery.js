// A grid of picture buttons. Data: names, and cards of [image, answer, label or -1, share, verdict]; -1 and missing: none.
// Or `said`, a person's own labels: [image, words, when, uid].
const SIGNS = ["–", "✓", "✗"]
const WORDS = ["not labelled", "right", "wrong"]
const WRONG = 2
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
    const told = label >= 0 ? `${verdict === WRONG ? "is" : "said:"} ${names[label]}` : ""
    if (told) line(button, "label", told)
    said += `: ${[names[answer], share, WORDS[verdict], told].filter(Boolean).join(", ")}`
  }
  button.setAttribute("aria-label", said)
  button.title = said
  return button
}

// A label with its picture: open it again, or take it back.
function saidTile([id, words, when, uid], data, { open, takeBack }) {
  const box = document.createElement("div")
  box.className = "said"
  const picture = tile([id], data, open)
  const name = document.createElement("bdi")
  name.className = "name"
  name.textContent = words
  picture.append(name)
  picture.setAttribute("aria-label", `${words}, ${when}: open again`)
  picture.title = words
  const foot = document.createElement("span")
  foot.className = "foot"
  line(foot, "when", when)
  if (uid) {
    const back = document.createElement("button")
    back.type = "button"
    back.className = "back"
    back.textContent = "Take back"
    back.setAttribute("aria-label", `Take back: ${words}`)
    back.onclick = () => takeBack(uid)
    foot.append(back)
  }
  box.append(picture, foot)
  return box
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".gallery")
  const content = JSON.stringify(data)
  if (drawn.get(parentElement) === content) return  // only the theme changed
  drawn.set(parentElement, content)
  const open = (id) => setTriggerValue("opened", id)
  const takeBack = (uid) => setTriggerValue("taken", uid)
  const said = (data.said ?? []).map((label) => saidTile(label, data, { open, takeBack }))
  grid.replaceChildren(...data.cards.map((card) => tile(card, data, open)), ...said)
  grid.onkeydown = (event) => {
    const step = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[event.key]
    const next = step && event.target.closest(".gallery > *")?.[step]
    if (next) (next.matches("button") ? next : next.querySelector("button")).focus()
  }
}
