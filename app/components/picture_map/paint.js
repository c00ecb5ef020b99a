/* Points as pixels: a disc each, written straight into the picture, so that 100,000 of them take some milliseconds. */

const DIM = 40  // how opaque a dimmed point is, of 255

/* "#14a394" as the number that a pixel of an ImageData is, on the little-endian machines that browsers run on. */
function pixelOf(hex, opacity) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16))
  return ((opacity << 24) | (blue << 16) | (green << 8) | red) >>> 0
}

/* The points in the order of painting: dimmed ones first, then what is grey, then the colours; none that are gone. */
function paintingOrder(codes, tones, isDim) {
  const rank = tones.map((tone, code) => (isDim(code) ? 0 : tone.grey ? 1 : 2))
  const counts = [0, 0, 0]
  for (const code of codes) if (code < rank.length) counts[rank[code]]++
  const next = [0, counts[0], counts[0] + counts[1]]
  const order = new Uint32Array(next[2] + counts[2])
  for (let i = 0; i < codes.length; i++) if (codes[i] < rank.length) order[next[rank[codes[i]]]++] = i
  return order
}

/* In device pixels: small where there are many, larger the closer one looks. */
function radiusFor(count, zoom, ratio) {
  const base = count > 20000 ? 1 : count > 3000 ? 1.7 : 3
  return Math.max(1, Math.round(Math.min(9, base * zoom ** 0.4) * ratio))
}

/* How far a disc reaches to either side, dy rows from its middle. */
function halfWidth(radius, dy) {
  return Math.floor(Math.sqrt((radius + 0.35) ** 2 - dy ** 2))
}

class Painter {
  constructor(canvas) {
    this.canvas = canvas
    this.context = canvas.getContext("2d")
  }

  resize(width, height, ratio) {
    this.ratio = ratio
    const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))]
    if (this.image?.width === w && this.image.height === h) return
    this.canvas.width = w
    this.canvas.height = h
    this.image = this.context.createImageData(w, h)
    this.pixels = new Uint32Array(this.image.data.buffer)
  }

  /* pixel: by code, what is written for a point. */
  paint({ places }, codes, order, pixel, camera) {
    const { width, height } = this.image
    const pixels = this.pixels.fill(0)
    const radius = radiusFor(order.length, camera.zoom, this.ratio)
    const halves = Array.from({ length: 2 * radius + 1 }, (_, k) => halfWidth(radius, k - radius))
    const scale = camera.scale * this.ratio
    const [sx, sy] = camera.shift.map((value) => value * this.ratio)
    for (let n = 0; n < order.length; n++) {
      const i = order[n]
      const x = Math.round(places[2 * i] * scale + sx)
      const y = Math.round(places[2 * i + 1] * scale + sy)
      if (x < -radius || y < -radius || x >= width + radius || y >= height + radius) continue
      const colour = pixel[codes[i]]
      for (let k = 0; k < halves.length; k++) {
        const row = y + k - radius
        if (row < 0 || row >= height) continue
        const from = Math.max(0, x - halves[k])
        const to = Math.min(width - 1, x + halves[k])
        if (from <= to) pixels.fill(colour, row * width + from, row * width + to + 1)
      }
    }
    this.context.putImageData(this.image, 0, 0)
    this.radius = radius / this.ratio
  }
}

/* What lies over the points: the ring around one of them, and the line that is or was drawn. */
class Overlay {
  constructor(canvas) {
    this.canvas = canvas
    this.context = canvas.getContext("2d")
  }

  resize(width, height, ratio) {
    this.canvas.width = Math.max(1, Math.round(width * ratio))
    this.canvas.height = Math.max(1, Math.round(height * ratio))
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0)
    this.size = [width, height]
  }

  /* line: screen coordinates; isOpen: it is still being drawn. */
  draw({ ring, radius, line, isOpen, ink, accent }) {
    const pen = this.context
    pen.clearRect(0, 0, ...this.size)
    if (line.length > 2) {
      pen.beginPath()
      line.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)))
      if (!isOpen) pen.closePath()
      pen.fillStyle = accent
      pen.globalAlpha = 0.1
      pen.fill()
      pen.globalAlpha = 1
      pen.setLineDash(isOpen ? [] : [6, 4])
      pen.lineWidth = 2
      pen.strokeStyle = accent
      pen.stroke()
      pen.setLineDash([])
    }
    if (ring) {
      pen.beginPath()
      pen.arc(ring[0], ring[1], radius + 4, 0, 2 * Math.PI)
      pen.lineWidth = 2
      pen.strokeStyle = ink
      pen.stroke()
    }
  }
}
