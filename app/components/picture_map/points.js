/* The points of a map as typed arrays, and the one that is nearest to a place. */

const EDGE = 65536  // coordinates are whole numbers below it
const CELLS = 256  // along each side of the index
const CELL = EDGE / CELLS
const GONE = 255  // the code of a picture that was taken out since

async function fetched(url, signal) {
  const response = await fetch(url, { signal })
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error ?? `status ${response.status}`)
  return response.arrayBuffer()
}

/* n (uint32), x and y of each (uint16), each id less the one before (uint32); little-endian, as this machine's arrays. */
function decodedPoints(buffer) {
  const count = new Uint32Array(buffer, 0, 1)[0]
  const places = new Uint16Array(buffer, 4, 2 * count)
  const ids = new Uint32Array(buffer, 4 + 4 * count, count).slice()
  for (let i = 1; i < count; i++) ids[i] += ids[i - 1]
  return { count, places, ids, index: cellsOf(places, count) }
}

/* The points sorted into the cells of a grid: those of cell c are order[start[c]] to order[start[c + 1] - 1]. */
function cellsOf(places, count) {
  const start = new Uint32Array(CELLS * CELLS + 1)
  const cell = (i) => ((places[2 * i + 1] / CELL) | 0) * CELLS + ((places[2 * i] / CELL) | 0)
  for (let i = 0; i < count; i++) start[cell(i) + 1]++
  for (let c = 0; c < CELLS * CELLS; c++) start[c + 1] += start[c]
  const order = new Uint32Array(count)
  const next = start.slice()
  for (let i = 0; i < count; i++) order[next[cell(i)]++] = i
  return { start, order }
}

/* The visible point nearest to (x, y), at most `reach` away, all in map units; -1 for none. */
function nearestPoint({ places, index }, x, y, reach, isShown) {
  const clamp = (value) => Math.max(0, Math.min(CELLS - 1, Math.floor(value / CELL)))
  let best = -1
  let least = reach * reach
  for (let row = clamp(y - reach); row <= clamp(y + reach); row++) {
    const from = index.start[row * CELLS + clamp(x - reach)]
    const to = index.start[row * CELLS + clamp(x + reach) + 1]
    for (let k = from; k < to; k++) {
      const i = index.order[k]
      const dx = places[2 * i] - x
      const dy = places[2 * i + 1] - y
      const away = dx * dx + dy * dy
      if (away <= least && isShown(i)) [best, least] = [i, away]
    }
  }
  return best
}
