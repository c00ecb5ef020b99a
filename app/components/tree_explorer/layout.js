// Where each box stands: how deep, which stretch of the outermost boxes it spans, and who is beside it.
// A box of the data: [node, parent place, name, place on the scale or null, figure, of how many, finest classes, hidden].
const NODE = 0, PARENT = 1, NAME = 2, PLACE = 3, FIGURE = 4, OF = 5, LEAVES = 6, HIDDEN = 7, FIRST = 8

function spread(boxes) {
  const spans = boxes.map((box) => ({
    depth: box[PARENT] < 0 ? 0 : -1, start: 0, size: 0, below: [], up: box[PARENT],
  }))
  spans.forEach((span, place) => {
    if (span.up < 0) return
    span.depth = spans[span.up].depth + 1
    spans[span.up].below.push(place)
  })
  for (let place = boxes.length - 1; place >= 0; place--) {
    const span = spans[place]
    span.size ||= 1
    if (span.up >= 0) spans[span.up].size += span.size
  }
  spans.forEach((span) => {
    let start = span.start
    for (const child of span.below) {
      spans[child].start = start
      start += spans[child].size
    }
  })
  return { spans, tips: spans[0].size, depth: Math.max(...spans.map((span) => span.depth)) }
}

// In the order of reading: a class, then all below it.
function reading(spans, place = 0) {
  return [place, ...spans[place].below.flatMap((child) => reading(spans, child))]
}

// The box that an arrow key leads to; in a list up and down follow the rows, elsewhere the boxes of the same level.
function neighbour(spans, place, key, inList) {
  const rows = reading(spans)
  const level = inList ? rows : rows.filter((other) => spans[other].depth === spans[place].depth)
  const at = level.indexOf(place)
  return {
    ArrowUp: level[at - 1],
    ArrowDown: level[at + 1],
    ArrowRight: spans[place].below[0],
    ArrowLeft: spans[place].up,
    Home: rows[0],
    End: rows[rows.length - 1],
  }[key]
}
