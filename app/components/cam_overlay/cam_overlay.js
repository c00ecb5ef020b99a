// Pictures with a heatmap over each. Data: image, w, ratio, alt; for heat also `heat`, who made it, and
// tiles {name, share, place, rather, note}.
const drawn = new WeakMap()
let strength = 0.6  // kept from picture to picture while the page is open

function element(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties)
  made.append(...children)
  return made
}

function framed(data, name) {
  const frame = element("div", { className: "frame" })
  frame.style.aspectRatio = data.ratio
  // A tall picture stays on the screen, and a small one is not blown up to a blur; both in their proportions.
  frame.style.maxWidth = `min(66vh * ${data.ratio}, ${Math.max(3 * data.size, 320)}px)`
  const source = `/api/images/${data.image}?w=${data.w}&of=${data.of}`
  frame.append(element("img", { src: source, alt: name, onerror: () => frame.classList.add("missing") }))
  return frame
}

function named(name, share) {
  const caption = element("figcaption", {})
  caption.append(element("span", { textContent: name }), element("span", { className: "share", textContent: share }))
  return caption
}

function heat(data, { name, share, place, rather, note }) {
  const source = `/api/heatmaps/${data.heat}/${place}`
  const frame = framed(data, name)
  const over = element("img", { src: source, alt: note || `Where the model looked for ${name}`, className: "heat" })
  over.onerror = () => frame.classList.add("gone")
  frame.append(over)
  if (note) frame.append(element("p", { className: "note", textContent: note }))
  const save = element("a", { textContent: "Save", className: "save", download: "" })
  save.ariaLabel = `Save the picture under the heat for ${name}`
  save.href = `${source}/picture?strength=${strength}`
  save.onpointerenter = save.onfocus = save.onclick = () => { save.href = `${source}/picture?strength=${strength}` }
  const below = element("div", { className: "below" }, element("span", { textContent: rather }), save)
  return element("figure", {}, frame, named(name, share), below)
}

function slider(root) {
  const input = element("input", { type: "range", min: 0, max: 1, step: 0.05, value: strength })
  input.oninput = () => {
    strength = Number(input.value)
    input.ariaValueText = `${Math.round(100 * strength)} %`
    root.style.setProperty("--strength", strength)
  }
  return element("label", { className: "strength" }, element("span", { textContent: "Strength of the heat" }), input)
}

// From nothing to full, in the colours of the heat.
function scale() {
  const bar = element("span", { className: "scale", ariaHidden: "true" })
  return element("span", { className: "legend" }, "little", bar, "much")
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".overlay")
  const content = JSON.stringify(data)
  if (drawn.get(parentElement) === content) return  // only the theme changed
  drawn.set(parentElement, content)
  root.style.setProperty("--strength", strength)
  const original = element("figure", {}, framed(data, data.alt), ...(data.tiles ? [named(data.alt, "")] : []))
  if (!data.tiles) return root.replaceChildren(original)
  const tools = element("div", { className: "tools" }, slider(root), scale())
  const heats = data.tiles.map((tile) => heat(data, tile))
  root.replaceChildren(tools, element("div", { className: "row" }, original, ...heats))
}
