// Pictures with a heatmap over each. Data: image, w, ratio, alt; for heat also inspection and tiles {name, share, place}.
const drawn = new WeakMap()
let strength = 0.6  // kept from picture to picture while the page is open

function element(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties)
  made.append(...children)
  return made
}

function picture(data, name, share, place) {
  const frame = element("div", { className: "frame" })
  frame.style.aspectRatio = data.ratio
  // A tall picture stays on the screen, and a small one is not blown up to a blur; both in their proportions.
  frame.style.maxWidth = `min(66vh * ${data.ratio}, ${Math.max(3 * data.size, 320)}px)`
  const source = `/api/images/${data.image}?w=${data.w}&of=${data.of}`
  frame.append(element("img", { src: source, alt: name, onerror: () => frame.classList.add("missing") }))
  if (place !== undefined) {
    const heat = `/api/heatmaps/${data.inspection}/${place}`
    frame.append(element("img", { src: heat, alt: `Where the model looked for ${name}`, className: "heat" }))
  }
  const caption = element("figcaption", {})
  caption.append(element("span", { textContent: name }), element("span", { className: "share", textContent: share }))
  return element("figure", {}, frame, ...(data.tiles ? [caption] : []))
}

function slider(root) {
  const input = element("input", { type: "range", min: 0, max: 1, step: 0.05, value: strength })
  input.oninput = () => {
    strength = input.value
    root.style.setProperty("--strength", strength)
  }
  return element("label", { className: "strength" }, element("span", { textContent: "Strength of the heat" }), input)
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".overlay")
  const content = JSON.stringify(data)
  if (drawn.get(parentElement) === content) return  // only the theme changed
  drawn.set(parentElement, content)
  root.style.setProperty("--strength", strength)
  const original = picture(data, data.alt, "")
  if (!data.tiles) return root.replaceChildren(original)
  const heats = data.tiles.map(({ name, share, place }) => picture(data, name, share, place))
  root.replaceChildren(slider(root), element("div", { className: "row" }, original, ...heats))
}
