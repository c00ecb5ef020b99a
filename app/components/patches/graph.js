// What the route sends, as arrays: see hmgc_core/patch_graph.py. Patches are numbered row by row.
const KEPT = new Map()  // address -> promise of the blocks

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
}

function unpacked(block, classes) {
  const [rows, columns] = block.grid
  const raw = bytesOf(block.neighbours)
  const heat = bytesOf(block.heat)
  const size = rows * columns
  return {
    number: block.number,
    rows,
    columns,
    candidateColumns: block.candidates[1],
    pooling: block.pooling,
    k: block.k,
    neighbours: block.bytes === 4 ? new Uint32Array(raw.buffer) : raw,
    similarity: new Int8Array(bytesOf(block.similarity).buffer),
    heat: classes.map((_, place) => heat.subarray(place * size, (place + 1) * size)),
    stars: block.stars,
  }
}

async function fetched(address) {
  const response = await fetch(address)
  if (!response.ok) throw new Error((await response.json()).error)
  const graph = await response.json()
  return { ...graph, blocks: graph.blocks.map((block) => unpacked(block, graph.nodes)) }
}

// The graphs of an inspection; asked for once while the page is open, and again after a failure.
function graphOf(inspection) {
  const address = `/api/patches/${inspection}`
  if (!KEPT.has(address)) {
    if (KEPT.size > 8) KEPT.clear()
    KEPT.set(address, fetched(address).catch((error) => {
      KEPT.delete(address)
      throw error
    }))
  }
  return KEPT.get(address)
}

// What a patch is connected with, the nearest first, without itself: {rank, candidate, similarity in percent}.
function connectedWith(block, patch) {
  const found = []
  for (let place = patch * block.k; place < (patch + 1) * block.k; place++) {
    const candidate = block.neighbours[place]
    if (block.pooling > 1 || candidate !== patch) {
      found.push({ rank: found.length + 1, candidate, similarity: block.similarity[place] })
    }
  }
  return found
}

// Left, top, width and height in patches: of a patch, and of what one can be connected with.
function placeOf(block, patch) {
  return { x: patch % block.columns, y: Math.floor(patch / block.columns), width: 1, height: 1 }
}

function candidatePlace(block, candidate) {
  const x = (candidate % block.candidateColumns) * block.pooling
  const y = Math.floor(candidate / block.candidateColumns) * block.pooling
  const width = Math.min(block.pooling, block.columns - x)
  return { x, y, width, height: Math.min(block.pooling, block.rows - y) }
}

function patchAt(block, shareX, shareY) {
  const column = Math.min(block.columns - 1, Math.max(0, Math.floor(shareX * block.columns)))
  return Math.min(block.rows - 1, Math.max(0, Math.floor(shareY * block.rows))) * block.columns + column
}

function patchWords(block, patch) {
  const { x, y } = placeOf(block, patch)
  return `row ${y + 1}, column ${x + 1}`
}

// What people read of a place that may be several patches.
function candidateWords(block, candidate) {
  const { x, y, width, height } = candidatePlace(block, candidate)
  if (width * height === 1) return patchWords(block, y * block.columns + x)
  return `rows ${y + 1} to ${y + height}, columns ${x + 1} to ${x + width}`
}
