// Pictures with a heatmap over each. Data: image, w, ratio, size, alt; for heat also menus {label, options, chosen}, tiles
// {name, share, place, rather, note}, heat (who made them, "" while they are not there), waiting, words.
const drawn = new WeakMap()  // of each place: what it shows
let strength = 0.6  // kept from picture to picture while the page is open

function element(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties)
  made.append(...children)
  return made
}

// --- pictures --------------------------------------------------------------------------------------------------------

function framed(data, name) {
  const frame = element("div", { className: "frame" })
  frame.style.aspectRatio = data.ratio
  const source = `/api/images/${data.image}?w=${data.w}&of=${data.of}`
  frame.append(element("img", { src: source, alt: name, onerror: () => frame.classList.add("missing") }))
  return frame
}

function figure(data, ...children) {
  const made = element("figure", {}, ...children)
  // A tall picture stays on the screen, and a small one is not blown up to a blur; both in their proportions.
  made.style.maxWidth = `min(66vh * ${data.ratio}, ${Math.max(3 * data.size, 320)}px)`
  return made
}

function named(name, share) {
  const caption = element("figcaption", {})
  caption.append(element("span", { textContent: name }), element("span", { className: "share", textContent: share }))
  return caption
}

function heated(data, { name, share, place, rather, note }) {
  const frame = framed(data, name)
  const below = element("div", { className: "below" }, element("span", { textContent: rather }))
  if (data.heat && place !== null) {
    const source = `/api/heatmaps/${data.heat}/${place}`
    const over = element("img", { src: source, alt: note || `Where the model looked for ${name}`, className: "heat" })
    over.onerror = () => frame.classList.add("gone")
    frame.append(over)
    const save = element("a", { textContent: "Save", className: "save", download: "" })
    save.ariaLabel = `Save the picture under the heat for ${name}`
    const aim = () => { save.href = `${source}/picture?strength=${strength}` }
    save.onpointerenter = save.onfocus = save.onclick = aim
    aim()
    below.append(save)
  }
  if (data.waiting) frame.classList.add("waiting")
  if (note) frame.append(element("p", { className: "note", textContent: note }))
  return figure(data, frame, named(name, share), below)
}

// --- above them ------------------------------------------------------------------------------------------------------

function menu(send) {
  const select = element("select", {})
  select.onchange = () => send("choice", select.options[select.selectedIndex].act)
  return element("label", { className: "menu" }, element("span", {}), select)
}

// The menus stay the same elements, so that whoever chooses with the keyboard keeps their place.
function fill(label, { label: name, options, chosen }) {
  const [title, select] = label.children
  title.textContent = name
  const made = options.map(([what, value, text]) => Object.assign(new Option(text), { act: [what, value] }))
  select.replaceChildren(...made)
  select.selectedIndex = chosen
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

// --- all of it -------------------------------------------------------------------------------------------------------

function begin(root, data, send) {
  const parts = ["menus", "tools", "row", "words"].map((name) => element("div", { className: name }))
  parts[0].append(...data.menus.map(() => menu(send)))
  parts[1].append(slider(root), scale())
  root.replaceChildren(...parts)
  return parts
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".overlay")
  const content = JSON.stringify(data)
  const shown = drawn.get(parentElement) ?? { root }
  drawn.set(parentElement, shown)
  if (shown.content === content) return  // only the theme changed
  shown.content = content
  root.style.setProperty("--strength", strength)
  if (!data.tiles) return root.replaceChildren(figure(data, framed(data, data.alt)))
  shown.send = setTriggerValue
  const send = (...what) => shown.send(...what)
  shown.parts ??= begin(root, data, send)
  const [menus, , row, words] = shown.parts
  data.menus.forEach((one, place) => fill(menus.children[place], one))
  const original = figure(data, framed(data, data.alt), named(data.alt, ""))
  row.replaceChildren(original, ...data.tiles.map((tile) => heated(data, tile)))
  words.textContent = data.words
}
