/* Which part of the map is in sight: css pixel = unit * scale + shift. */

const MOST_ZOOM = 400

class Camera {
  constructor() {
    this.width = this.height = 1
    this.zoom = 1
    this.middle = [EDGE / 2, EDGE / 2]  // the unit in the middle of the screen
  }

  resize(width, height) {
    this.width = Math.max(1, width)
    this.height = Math.max(1, height)
  }

  get scale() {
    return (Math.min(this.width, this.height) / EDGE) * this.zoom
  }

  get shift() {
    return [this.width / 2 - this.middle[0] * this.scale, this.height / 2 - this.middle[1] * this.scale]
  }

  toScreen(x, y) {
    const [sx, sy] = this.shift
    return [x * this.scale + sx, y * this.scale + sy]
  }

  toUnits(px, py) {
    const [sx, sy] = this.shift
    return [(px - sx) / this.scale, (py - sy) / this.scale]
  }

  pan(dx, dy) {
    const within = (value) => Math.max(0, Math.min(EDGE, value))
    this.middle = [within(this.middle[0] - dx / this.scale), within(this.middle[1] - dy / this.scale)]
  }

  /* Closer by a factor; what is under (px, py) stays there. */
  zoomAt(factor, px = this.width / 2, py = this.height / 2) {
    const [x, y] = this.toUnits(px, py)
    this.zoom = Math.max(1, Math.min(MOST_ZOOM, this.zoom * factor))
    const [nx, ny] = this.toScreen(x, y)
    this.pan(px - nx, py - ny)
  }

  whole() {
    this.zoom = 1
    this.middle = [EDGE / 2, EDGE / 2]
  }

  /* The corners of what is in sight, in whole units. */
  sight() {
    const [left, top] = this.toUnits(0, 0)
    const [right, bottom] = this.toUnits(this.width, this.height)
    return [left, top, right, top, right, bottom, left, bottom].map(wholeUnit)
  }
}

function wholeUnit(value) {
  return Math.max(0, Math.min(EDGE - 1, Math.round(value)))
}
