// One picture with its patches: heat as pixels of a canvas, all else as SVG, made element by element.
const SVG = "http://www.w3.org/2000/svg"
const WIDE = 400  // the drawing's own width; its height follows the picture
const NUMBERED = 8  // as many neighbours as the published figure shows; the others have thin edges
const HEAT_STOPS = [[40, 0, 80], [140, 20, 120], [220, 50, 60], [250, 150, 20], [255, 245, 120]]

function element(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties)
  made.append(...children)
  return made
}

function shape(kind, attributes, text = "") {
  const made = document.createElementNS(SVG, kind)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.textContent = text
  return made
}

function heatColour(value) {
  const place = Math.min(3.999, (value / 255) * 4)
  const [low, high] = [HEAT_STOPS[Math.floor(place)], HEAT_STOPS[Math.floor(place) + 1]]
  return low.map((from, channel) => from + (high[channel] - from) * (place % 1))
}

function drawHeat(canvas, block, heat) {
  canvas.width = block.columns
  canvas.height = block.rows
  const pixels = canvas.getContext("2d").createImageData(block.columns, block.rows)
  heat.forEach((value, patch) => pixels.data.set([...heatColour(value), Math.min(215, value * 1.4)], patch * 4))
  canvas.getContext("2d").putImageData(pixels, 0, 0)
}

function sizes(block, ratio) {
  const tall = WIDE / ratio
  return { tall, x: WIDE / block.columns, y: tall / block.rows, unit: Math.min(WIDE, tall) / 100 }
}

function box(place, scale, attributes) {
  return shape("rect", {
    x: place.x * scale.x, y: place.y * scale.y, width: place.width * scale.x, height: place.height * scale.y,
    ...attributes,
  })
}

function middle(place, scale) {
  return [(place.x + place.width / 2) * scale.x, (place.y + place.height / 2) * scale.y]
}

function gridLines(block, scale) {
  let path = ""
  for (let row = 1; row < block.rows; row++) path += `M0 ${row * scale.y}H${WIDE}`
  for (let column = 1; column < block.columns; column++) path += `M${column * scale.x} 0V${scale.tall}`
  return shape("path", { d: path, class: block.rows > 20 ? "grid fine" : "grid" })
}

function starShape([x, y], radius) {
  const points = Array.from({ length: 10 }, (_, corner) => {
    const [angle, far] = [(corner * Math.PI) / 5 - Math.PI / 2, corner % 2 ? radius * 0.45 : radius]
    return `${(x + far * Math.cos(angle)).toFixed(1)},${(y + far * Math.sin(angle)).toFixed(1)}`
  })
  return shape("polygon", { points: points.join(" "), class: "star" })
}

// The lines to each neighbour, the nearest the thickest, and the numbers, which come last: nothing may cross them.
function edgeShapes(block, centre, neighbours, scale) {
  const from = middle(placeOf(block, centre), scale)
  const [lines, marks] = [[], []]
  for (const { rank, candidate } of neighbours) {
    const place = candidatePlace(block, candidate)
    const to = middle(place, scale)
    const near = rank <= NUMBERED
    const width = near ? 1.5 - 0.12 * rank : 0.3
    const ends = { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }
    lines.push(shape("line", { ...ends, class: "edge", "stroke-width": width * scale.unit, "data-rank": rank }))
    lines.push(box(place, scale, { class: near ? "neighbour" : "neighbour far", "data-rank": rank }))
    if (near) {
      marks.push(shape("circle", { cx: to[0], cy: to[1], r: 3.4 * scale.unit, class: "mark", "data-rank": rank }))
      const text = { x: to[0], y: to[1], class: "rank", "font-size": 4.6 * scale.unit, "data-rank": rank }
      marks.push(shape("text", text, String(rank)))
    }
  }
  return { lines, marks }
}

// centre: a patch, -1 for none. star: the strongest patch, -1 where nothing speaks for the class.
function drawGraph(svg, block, { ratio, centre, star, neighbours }) {
  const scale = sizes(block, ratio)
  svg.setAttribute("viewBox", `0 0 ${WIDE} ${scale.tall}`)
  const shapes = [gridLines(block, scale), shape("g", { class: "pointed" })]
  const { lines, marks } = edgeShapes(block, centre, neighbours, scale)
  shapes.push(...lines)
  if (centre >= 0) shapes.push(box(placeOf(block, centre), scale, { class: "centre" }))
  if (star >= 0) shapes.push(starShape(middle(placeOf(block, star), scale), 5 * scale.unit))
  svg.replaceChildren(...shapes, ...marks)
}

// A frame around the patch under the pointer.
function drawPointed(svg, block, ratio, patch) {
  const group = svg.querySelector(".pointed")
  if (group) group.replaceChildren(...(patch < 0 ? [] : [box(placeOf(block, patch), sizes(block, ratio), {})]))
}

function emphasise(figure, rank) {
  figure.classList.toggle("one", rank > 0)
  for (const part of figure.querySelectorAll("[data-rank]")) {
    part.classList.toggle("meant", Number(part.dataset.rank) === rank)
  }
}
