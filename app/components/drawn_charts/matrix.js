// Which class is taken for which. Data: classes of [key, name, group], groups of [key, name], cells as a flat list of
// label, answer, count; an answer of -1 is any class outside `below`. Siblings stand together, parted by lines.
const LEAST_CELL = 13
const MOST_CELL = 38
const NUMBER_FITS = 26

function drawMatrix(data, { go, width }) {
  const shape = shapeOf(data, width)
  const box = make("div", "matrixbox")
  const sheet = make("div", "sheet")
  sheet.style.gridTemplateColumns = `${shape.side}px ${shape.across}px`
  const corner = make("div", "corner")
  corner.append(make("span", "", "labelled ↓  answered →"))
  sheet.append(corner, columnNames(data, shape), rowNames(data, shape, go), cells(data, shape))
  box.append(sheet)
  return [box]
}

function shapeOf({ classes, cells }, width) {
  const isNarrow = width < 560
  const side = isNarrow ? 104 : 250
  const hasOutside = cells.some((place, at) => at % 3 === 1 && place < 0)
  const columns = classes.length + (hasOutside ? 1 : 0)
  const cell = Math.max(LEAST_CELL, Math.min(MOST_CELL, Math.floor((width - side - 14) / Math.max(columns, 1))))
  return { isNarrow, side, hasOutside, cell, columns, across: columns * cell }
}

function lineAfter(classes, place) {
  return place + 1 < classes.length && classes[place][2] !== classes[place + 1][2]
}

function columnNames({ classes }, { cell, columns, hasOutside }) {
  const head = make("div", "columns")
  classes.forEach(([, name], place) => {
    const label = make("bdi", "name", name)
    label.style.left = `${(place + 0.5) * cell}px`
    head.append(label)
  })
  if (hasOutside) {
    const label = make("bdi", "name", "elsewhere")
    label.style.left = `${(columns - 0.5) * cell}px`
    head.append(label)
  }
  return head
}

function rowNames({ classes, groups }, { cell, isNarrow }, go) {
  const side = make("div", "rows")
  side.style.height = `${classes.length * cell}px`
  classes.forEach(([key, name, group, opens], place) => {
    const label = opens ? make("button", "name", name) : make("bdi", "name", name)
    label.title = opens ? `${name}: show the classes below` : name
    if (opens) label.onclick = () => go(key)
    label.style.top = `${place * cell}px`
    label.style.height = `${cell}px`
    side.append(label)
    const isFirst = !place || classes[place - 1][2] !== group
    if (!isFirst || isNarrow || group < 0) return
    let members = 1
    while (place + members < classes.length && classes[place + members][2] === group) members += 1
    const head = make("button", "group", groups[group][1])
    head.title = `${groups[group][1]}: only these`
    head.onclick = () => go(groups[group][0])
    head.style.top = `${place * cell}px`
    head.style.height = `${members * cell}px`
    side.append(head)
  })
  return side
}

function cells({ classes, cells, below }, { cell, across, columns }) {
  const body = make("div", "body")
  body.style.setProperty("--cell", `${cell}px`)
  body.style.height = `${classes.length * cell}px`
  body.style.width = `${across}px`
  const totals = new Array(classes.length).fill(0)
  for (let at = 0; at < cells.length; at += 3) totals[cells[at]] += cells[at + 2]
  for (let at = 0; at < cells.length; at += 3) {
    const [row, column, count] = cells.slice(at, at + 3)
    const isOutside = column < 0
    const mark = isOutside ? markOf("taken-away", classes[row][0], below) : markOf("taken-for", classes[row][0], classes[column][0])
    const answered = isOutside ? "answered elsewhere" : row === column ? "answered the same" : `answered ${classes[column][1]}`
    const words = `Labelled ${classes[row][1]}, ${answered}: ${pictures(count)} of ${counted.format(totals[row])}`
    const tile = asMark(make("span", `cell ${row === column ? "right" : "wrong"}`), mark, words)
    tile.style.left = `${(isOutside ? columns - 1 : column) * cell}px`
    tile.style.top = `${row * cell}px`
    const strength = 14 + 64 * Math.sqrt(count / totals[row]) // never so strong that the number could not be read
    tile.style.setProperty("--strength", `${strength.toFixed(0)}%`)
    if (cell >= NUMBER_FITS && count < 1000) tile.textContent = count
    body.append(tile)
  }
  classes.forEach((_, place) => {
    if (!lineAfter(classes, place)) return
    for (const way of ["across", "down"]) {
      const line = make("i", `line ${way}`)
      line.style[way === "across" ? "top" : "left"] = `${(place + 1) * cell}px`
      body.append(line)
    }
  })
  return body
}
