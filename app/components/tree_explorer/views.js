// The three ways to draw the same boxes. Each gives elements, one per box, for `mark` to make into tree items.
const ROW_PX = 24
const SVG = "http://www.w3.org/2000/svg"

function element(tag, kind, text) {
  const made = document.createElement(tag)
  if (kind) made.className = kind
  if (text !== undefined) made.textContent = text
  return made
}

function drawing(tag, attributes) {
  const made = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  return made
}

function coloured(item, box, scale) {
  if (box[HIDDEN]) return item.classList.add("rest")
  if (box[PLACE] === null) return item.classList.add("none")
  const rgb = shade(scale, box[PLACE])
  item.style.background = css(rgb)
  item.style.color = ink(rgb)
}

function boxesView(data, layout, mark) {
  const field = element("div", "boxes")
  field.style.height = `${Math.max(layout.tips * ROW_PX, 168)}px`
  const first = layout.depth > 1 ? 15 : 24
  const column = (100 - first) / Math.max(layout.depth, 1)
  data.boxes.forEach((box, place) => {
    const { depth, start, size } = layout.spans[place]
    const item = element("div", "box")
    item.style.left = `${depth ? first + (depth - 1) * column : 0}%`
    item.style.width = `${depth ? column : layout.depth ? first : 100}%`
    item.style.top = `${(100 * start) / layout.tips}%`
    item.style.height = `${(100 * size) / layout.tips}%`
    const plate = element("div", "plate")
    coloured(plate, box, data.key.scale)
    plate.append(element("bdi", "name", box[NAME]), element("span", "figure", box[FIGURE]))
    item.append(plate)
    field.append(mark(item, place))
  })
  return field
}

function listView(data, layout, mark) {
  const field = element("div", "list")
  for (const place of reading(layout.spans)) {
    const box = data.boxes[place]
    const item = element("div", "row")
    const name = element("bdi", "name", box[NAME])
    name.style.paddingInlineStart = `${layout.spans[place].depth * 22}px`
    const track = element("span", "track")
    const bar = element("span", "bar")
    coloured(bar, box, data.key.scale)
    const from = data.key.scale === "gap" ? 0.5 : 0
    const to = box[PLACE] ?? from
    bar.style.left = `${100 * Math.min(from, to)}%`
    bar.style.width = `${100 * Math.abs(to - from)}%`
    if (box[HIDDEN]) {
      item.classList.add("rest")
      item.append(name)
    } else {
      track.append(bar)
      item.append(name, track, element("span", "figure", box[FIGURE] || "–"))
    }
    field.append(mark(item, place))
  }
  return field
}

const LEAST_RINGS_PX = 260, MOST_RINGS_PX = 700, READABLE_PX = 520, AROUND_PX = 380

// As large as the room: all of it in sight at once, with what stands above and below it, unless it could not be read then.
function ringsSide(width) {
  const tall = Math.max(READABLE_PX, innerHeight - AROUND_PX)
  return Math.max(LEAST_RINGS_PX, Math.min(width, tall, MOST_RINGS_PX))
}

function ringsView(data, layout, mark, width) {
  const side = ringsSide(width)
  const field = drawing("svg", { class: "rings", viewBox: `0 0 ${side} ${side}`, width: side, height: side })
  const middle = side / 2
  const centre = middle * (layout.depth > 2 ? 0.2 : 0.26)
  const ring = (middle - 2 - centre) / Math.max(layout.depth, 1)
  const turn = (2 * Math.PI) / layout.tips
  data.boxes.forEach((box, place) => {
    const { depth, start, size } = layout.spans[place]
    const item = drawing("g", { class: "arc" })
    const inner = depth ? centre + (depth - 1) * ring : 0
    const outer = depth ? inner + ring : centre
    const [from, to] = [start * turn, (start + size) * turn]
    const shape = depth
      ? drawing("path", { d: arc(middle, inner, outer, from, to), "fill-rule": "evenodd" })
      : drawing("circle", { cx: middle, cy: middle, r: outer })
    const rgb = box[HIDDEN] || box[PLACE] === null ? null : shade(data.key.scale, box[PLACE])
    if (rgb) shape.setAttribute("fill", css(rgb))
    else item.classList.add(box[HIDDEN] ? "rest" : "none")
    item.append(shape)
    const words = arcWords(box, depth, middle, inner, outer, from, to)
    if (words && rgb) words.setAttribute("fill", ink(rgb))
    if (words) item.append(words)
    field.append(mark(item, place))
  })
  return field
}

function arc(middle, inner, outer, from, to) {
  const at = (radius, angle) => `${middle + radius * Math.sin(angle)} ${middle - radius * Math.cos(angle)}`
  const whole = to - from > 2 * Math.PI - 1e-6
  if (whole) {
    const circle = (r) => `M${at(r, 0)}A${r} ${r} 0 1 1 ${at(r, Math.PI)}A${r} ${r} 0 1 1 ${at(r, 2 * Math.PI)}Z`
    return circle(outer) + circle(inner)
  }
  const wide = to - from > Math.PI ? 1 : 0
  return `M${at(outer, from)}A${outer} ${outer} 0 ${wide} 1 ${at(outer, to)}` +
    `L${at(inner, to)}A${inner} ${inner} 0 ${wide} 0 ${at(inner, from)}Z`
}

// The name across the ring where the arc is long enough for it, else along its radius; none where neither fits.
function arcWords(box, depth, middle, inner, outer, from, to) {
  const LETTER = 6.4, LINE = 13
  const cut = (room) => (box[NAME].length * LETTER <= room ? box[NAME] : box[NAME].slice(0, room / LETTER - 1) + "…")
  if (!depth) return centreWords(box, cut, middle, outer * 1.75)
  const radius = (inner + outer) / 2, angle = (from + to) / 2, width = outer - inner
  const [x, y] = [middle + radius * Math.sin(angle), middle - radius * Math.cos(angle)]
  const degrees = (angle * 180) / Math.PI
  const long = Math.min(box[NAME].length, 14) * LETTER
  const sags = radius - Math.sqrt(Math.max(radius * radius - (long * long) / 4, 0))
  const across = (to - from) * radius > long + 8 && long < radius * 1.6 && sags + LINE < width
  if (!across && ((to - from) * inner < LINE * 0.8 || width < 4 * LETTER)) return null
  const turned = across
    ? degrees > 90 && degrees < 270 ? degrees + 180 : degrees
    : degrees < 180 ? degrees - 90 : degrees + 90
  const words = drawing("text", { x, y, transform: `rotate(${turned} ${x} ${y})`, class: "name" })
  words.textContent = cut(across ? Math.min((to - from) * radius - 8, radius * 1.6) : width - 8)
  return words
}

function centreWords(box, cut, middle, room) {
  const words = drawing("text", { x: middle, y: middle, class: "name centre" })
  const lines = box[FIGURE] ? [cut(room), box[FIGURE]] : [cut(room)]
  lines.forEach((line, row) => {
    const part = drawing("tspan", { x: middle, y: middle + (row - (lines.length - 1) / 2) * 17 })
    part.textContent = line
    words.append(part)
  })
  return words
}
