// The tree on screen: what to see and how it is coloured, the way up, the drawing, and the key to its colours.
const VIEWS = { boxes: boxesView, rings: ringsView, list: listView }
const states = new WeakMap()

function segments(name, choices, chosen, send) {
  const group = element("div", "segments")
  group.setAttribute("role", "radiogroup")
  group.setAttribute("aria-label", name)
  for (const [value, title] of choices) {
    const label = element("label")
    const radio = element("input")
    radio.type = "radio"
    radio.name = name
    radio.value = value
    radio.checked = value === chosen
    radio.dataset.focus = `${name}-${value}`
    radio.onchange = () => send(value)
    label.append(radio, element("span", "", title))
    group.append(label)
  }
  return group
}

function choice(name, choices, chosen, send) {
  const label = element("label", "choice")
  const select = element("select")
  select.dataset.focus = name
  for (const [value, title] of choices) {
    const option = element("option", "", title)
    option.value = value
    select.append(option)
  }
  select.value = chosen
  select.onchange = () => send(select.value)
  label.append(element("span", "", name), select)
  return label
}

function crumbs(data, open) {
  const way = element("nav", "crumbs")
  way.setAttribute("aria-label", "Classes above")
  for (const [node, name] of data.crumbs) {
    const button = element("button", "", name)
    button.type = "button"
    button.dataset.focus = `crumb-${node}`
    button.onclick = () => open(node)
    way.append(button, element("span", "sign", "›"))
  }
  const here = element("b", "", data.name)
  here.setAttribute("aria-current", "true")
  way.append(here)
  if (data.passed) {
    const back = element("button", "back", `after ${data.passed} others · show these first`)
    back.type = "button"
    back.onclick = () => open(data.boxes[0][NODE])
    way.append(back)
  }
  return way
}

// What the colours mean: the scale with the names of its ends, and what grey stands for.
function key(data) {
  const bar = element("div", "key")
  const group = (...parts) => {
    const made = element("span", "group")
    made.append(...parts)
    bar.append(made)
  }
  if (data.key.low) {
    const scale = element("span", "scale")
    scale.style.background = gradient(data.key.scale)
    group(element("span", "", data.key.low), scale, element("span", "", data.key.high))
  }
  group(element("span", "swatch none"), element("span", "", data.key.none))
  return bar
}

function about(box, data) {
  if (box[HIDDEN]) return [`${box[HIDDEN].toLocaleString("en")} more classes`, "Click to see them"]
  const count = box[OF] === null ? "" : box[OF].toLocaleString("en")
  const lines = box[PLACE] === null && !box[FIGURE] ? [data.key.none] : [
    data.words.replace("{0}", box[FIGURE]).replace("{1}", count),
  ]
  if (box[LEAVES] > 1) lines.push(`${box[LEAVES].toLocaleString("en")} finest classes`)
  return [box[NAME], ...lines]
}

function tip(frame) {
  const made = element("div", "tip")
  made.hidden = true
  frame.append(made)
  return {
    show(lines, x, y) {
      made.replaceChildren(...lines.map((line, row) => element(row ? "span" : "b", "", line)))
      made.hidden = false
      const room = frame.getBoundingClientRect()
      made.style.left = `${Math.max(0, Math.min(x - room.left + 14, room.width - made.offsetWidth))}px`
      made.style.top = `${y - room.top + 18}px`
    },
    hide() { made.hidden = true },
  }
}

// The drawing in its frame, made anew when the width of the rings changes.
function chart(state) {
  const { data, frame, open, more } = state
  const layout = spread(data.boxes)
  const hint = tip(frame)
  const mark = (item, place) => {
    const box = data.boxes[place]
    const lines = about(box, data)
    item.setAttribute("role", "treeitem")
    item.setAttribute("aria-level", layout.spans[place].depth + 1)
    item.setAttribute("aria-label", lines.join(", "))
    if (layout.spans[place].below.length) item.setAttribute("aria-expanded", "true")
    item.setAttribute("tabindex", place ? -1 : 0)
    item.dataset.place = place
    item.dataset.focus = box[HIDDEN] ? `more-${box[NODE]}` : `node-${box[NODE]}`
    if (!box[HIDDEN] && box[NODE] === data.chosen) item.setAttribute("aria-selected", "true")
    item.onclick = () => (box[HIDDEN] ? more([box[NODE], box[FIRST]]) : open(box[NODE]))
    item.onpointermove = (event) => event.pointerType === "mouse" && hint.show(lines, event.clientX, event.clientY)
    item.onfocus = () => {
      if (!item.matches(":focus-visible")) return
      const at = item.getBoundingClientRect()
      hint.show(lines, at.left + Math.min(at.width, 120) / 2, at.top + Math.min(at.height, 30))
    }
    item.onblur = hint.hide
    return item
  }
  const drawn = VIEWS[data.view](data, layout, mark, frame.clientWidth)
  drawn.setAttribute("role", "tree")
  drawn.setAttribute("aria-label", `The classes at and below ${data.boxes[0][NAME]}`)
  drawn.onpointerleave = hint.hide
  drawn.onkeydown = (event) => walk(event, { ...state, layout, drawn })
  frame.prepend(drawn)
}

function walk(event, { data, layout, drawn, open }) {
  const item = event.target.closest("[data-place]")
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === "Enter" || event.key === " ") item.dispatchEvent(new MouseEvent("click"))
  else if (event.key === "Backspace" && data.crumbs.length) open(data.crumbs[data.crumbs.length - 1][0])
  else {
    const next = neighbour(layout.spans, Number(item.dataset.place), event.key, data.view === "list")
    const to = next >= 0 ? drawn.querySelector(`[data-place="${next}"]`) : null
    if (!to) return
    item.setAttribute("tabindex", -1)
    to.setAttribute("tabindex", 0)
    to.focus()
  }
  event.preventDefault()
}

function draw(parentElement, data, send) {
  const root = parentElement.querySelector(".explorer")
  const focused = root.getRootNode().activeElement?.dataset?.focus
  const frame = element("div", "frame")
  const state = {
    data, frame,
    open: (node) => send("opened", node),
    more: (where) => send("more", where),
  }
  const tools = element("div", "tools")
  tools.append(
    segments("View", data.views, data.view, (value) => send("view", value)),
    choice("Colour", data.colours, data.colour, (value) => send("colour", value)),
  )
  if (data.runs.length > 1) tools.append(choice("Run", data.runs, String(data.run), (value) => send("run", value)))
  root.replaceChildren(tools, crumbs(data, state.open), element("p", "about", data.about), frame, key(data))
  chart(state)
  const again = focused && [...root.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === focused)
  again?.focus({ preventScroll: true })
  return state
}

export default function ({ data, parentElement, setTriggerValue }) {
  const kept = states.get(parentElement)
  const content = JSON.stringify(data)
  // Where nothing differs only the theme changed.
  const state = kept?.content === content ? kept.state : draw(parentElement, data, setTriggerValue)
  kept?.watch.disconnect()
  const watch = watched(state)
  states.set(parentElement, { content, state, watch })
  return () => watch.disconnect()
}

// Rings are as large as there is room.
function watched(state) {
  const { data, frame } = state
  let side = ringsSide(frame.clientWidth)
  const watch = new ResizeObserver(() => {
    const now = ringsSide(frame.clientWidth)
    if (data.view !== "rings" || !frame.clientWidth || now === side) return
    side = now
    frame.replaceChildren()
    chart(state)
  })
  watch.observe(frame)
  return watch
}
