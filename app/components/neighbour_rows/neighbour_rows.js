// Rows of picture buttons. Data: of, and rows {title, told, tiles, otherTitle, other}; a tile is
// [image, name, sign, by, near, exact]. What is near in figures stands in the tooltip.
const SIGNS = ["–", "✓", "✗"]
const WORDS = ["not known this far down", "agrees", "another class"]
const drawn = new WeakMap()

function element(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties)
  made.append(...children)
  return made
}

function tile([id, name, sign, by, near, exact], { of, open }) {
  const button = element("button", { type: "button", className: ["open", "right", "wrong"][sign] })
  button.onclick = () => open(id)
  const source = `/api/images/${id}?w=${devicePixelRatio > 1.3 ? 320 : 160}&of=${of}`
  const picture = element("img", { loading: "lazy", decoding: "async", alt: "", src: source })
  picture.onerror = () => button.classList.add("missing")
  const caption = element(
    "span",
    { className: "caption" },
    element("span", { className: "sign", textContent: SIGNS[sign] }),
    element("bdi", { className: "name", textContent: name }),
  )
  const about = (text) => element("bdi", { className: "about", textContent: text })
  button.append(element("span", { className: "frame" }, picture), caption, about(near), about(by))
  const said = `Picture ${id}: ${name} (${WORDS[sign]}), ${by}, ${near}, ${exact}`
  button.setAttribute("aria-label", said)
  button.title = said
  return button
}

function strip(tiles, label, context) {
  const made = element("div", { className: "strip" }, ...tiles.map((one) => tile(one, context)))
  made.setAttribute("role", "group")
  made.setAttribute("aria-label", label)
  return made
}

function part(told, tiles, label, context) {
  const made = element("div", { className: "part" }, element("p", { textContent: told }))
  if (tiles.length) made.append(strip(tiles, label, context))
  return made
}

function row(data, context) {
  const body = element("div", { className: "body" }, part(data.told, data.tiles, data.title, context))
  if (data.other.length) body.append(part(data.otherTitle, data.other, data.otherTitle, context))
  return element("section", {}, element("h4", { textContent: data.title }), body)
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".rows")
  const content = JSON.stringify(data)
  if (drawn.get(parentElement) === content) return  // only the theme changed
  drawn.set(parentElement, content)
  const context = { of: data.of, open: (id) => setTriggerValue("opened", id) }
  root.replaceChildren(...data.rows.map((one) => row(one, context)))
  root.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (!step) return
    const all = [...root.querySelectorAll("button")]
    all[all.indexOf(event.target.closest("button")) + step]?.focus()
    event.preventDefault()
    event.stopPropagation()  // the page's own arrows go to the next picture
  }
}
