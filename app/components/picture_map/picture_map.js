/* The map on a page: one for each place. The parts above are joined with this one by index.py. */

const MAPS = new WeakMap()
const REACH_PX = 14
const STEP_PX = 70
const CLOSER = 1.5
const MOST_RATIO = 2  // device pixels per css pixel that are worth painting

/* choices: [value, name] of each. */
function fillSelect(select, choices, chosen) {
  select.replaceChildren(...choices.map(([value, name]) => new Option(name, value, false, value === chosen)))
}

class PictureMap {
  constructor(root, send) {
    this.root = root
    this.send = send
    this.part = (name) => root.querySelector(`[data-part=${name}]`)
    this.stage = this.part("stage")
    this.camera = new Camera()
    this.painter = new Painter(this.part("points"))
    this.overlay = new Overlay(this.part("overlay"))
    this.card = new Card(this.part("card"))
    this.legend = new Legend(this.part("legend"), () => this.reorder())
    this.hovered = -1
    this.line = []  // being drawn, in screen coordinates
    this.pointers = new Map()
    this.tool = "move"
    this.listen()
    this.watcher = new ResizeObserver(() => this.resize())
    this.watcher.observe(this.stage)
  }

  update(data) {
    this.data = data
    this.corners = paired(data.lasso)
    fillSelect(this.part("by"), data.ways, data.by)
    fillSelect(this.part("level"), data.levels, data.level)
    this.part("levels").hidden = data.levels.length < 2
    this.part("forget").hidden = !data.lasso.length
    this.stage.parentElement.classList.toggle("chosen", data.lasso.length > 0)
    this.legend.set(data.tones, data.only)
    this.load()
  }

  async load() {
    const { points, colours } = this.data
    if (this.loaded === points + colours) return this.reorder()
    this.say("Loading the map …")
    try {
      if (this.pointsFrom !== points) this.points = decodedPoints(await fetched(points))
      this.pointsFrom = points
      const codes = new Uint8Array(await fetched(colours))
      if (this.data.colours !== colours) return  // another colour was chosen meanwhile
      this.codes = codes
      this.loaded = points + colours
      this.say("")
      this.resize()
      this.reorder()
    } catch (error) {
      this.say(`The map could not be loaded: ${error.message}. Reload the page.`)
    }
  }

  say(text) {
    this.part("status").textContent = text
  }

  reorder() {
    if (!this.codes) return
    const { tones } = this.data
    const isDim = (code) => this.legend.isDim(code)
    this.pixel = tones.map((tone, code) => pixelOf(tone.colour, isDim(code) ? DIM : 255))
    this.order = paintingOrder(this.codes, tones, isDim)
    this.look(-1)
    this.draw()
  }

  resize() {
    const { width, height } = this.stage.getBoundingClientRect()
    const ratio = Math.min(MOST_RATIO, devicePixelRatio || 1)
    this.camera.resize(width, height)
    this.painter.resize(width, height, ratio)
    this.overlay.resize(width, height, ratio)
    this.draw()
  }

  draw() {
    if (this.drawing || !this.order) return
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0
      const begun = performance.now()
      this.painter.paint(this.points, this.codes, this.order, this.pixel, this.camera)
      this.stage.dataset.paintMs = (performance.now() - begun).toFixed(1)
      this.drawOver()
    })
  }

  drawOver() {
    const style = getComputedStyle(this.stage)
    const drawn = this.line.length > 0
    this.overlay.draw({
      ring: this.hovered < 0 ? null : this.screenOf(this.hovered),
      radius: this.painter.radius ?? 3,
      line: drawn ? this.line : this.corners.map(([x, y]) => this.camera.toScreen(x, y)),
      isOpen: drawn,
      ink: style.getPropertyValue("--st-text-color"),
      accent: style.getPropertyValue("--st-primary-color"),
    })
  }

  screenOf(i) {
    return this.camera.toScreen(this.points.places[2 * i], this.points.places[2 * i + 1])
  }

  // --- looking at one picture -----------------------------------------------------------------------------------------

  /* The point nearest to a place of the screen, within reach. */
  find([x, y], reach = REACH_PX) {
    if (!this.points || !this.codes) return -1
    const [ux, uy] = this.camera.toUnits(x, y)
    const isShown = (i) => this.codes[i] !== GONE && !this.legend.isDim(this.codes[i])
    return nearestPoint(this.points, ux, uy, reach / this.camera.scale, isShown)
  }

  look(i) {
    this.hovered = i
    this.stage.classList.toggle("over", i >= 0)
    if (i < 0) this.card.hide()
    else this.card.show(this.points.ids[i], this.screenOf(i), [this.camera.width, this.camera.height], this.data)
    this.drawOver()
  }

  open() {
    if (this.hovered >= 0) this.send("opened", this.points.ids[this.hovered])
  }

  // --- moving, and drawing a line ---------------------------------------------------------------------------------------

  moved() {
    if (this.hovered >= 0) this.look(-1)
    this.draw()
  }

  zoom(factor, at) {
    this.camera.zoomAt(factor, ...(at ?? []))
    this.moved()
  }

  choose(tool) {
    this.tool = tool
    this.stage.classList.toggle("lassoing", tool === "lasso")
    for (const name of ["move", "lasso"]) this.part(name).setAttribute("aria-pressed", String(name === tool))
  }

  takeLine() {
    const line = this.line
    this.line = []
    if (line.length < 3 || isClick(line)) return this.drawOver()
    const corners = simplified(line).map(([x, y]) => this.camera.toUnits(x, y).map(wholeUnit))
    if (corners.length >= 3) this.take(corners.flat())
    this.drawOver()
  }

  take(flat) {
    this.corners = paired(flat)
    this.send("lasso", { corners: flat, only: this.legend.only() })
    this.drawOver()
  }

  close() {
    this.watcher.disconnect()
    this.card.hide()
    cancelAnimationFrame(this.drawing)
  }
}

Object.assign(PictureMap.prototype, HANDS)

/* The component: called when it appears, and again whenever its data or the theme changes. */
function show({ data, parentElement, setTriggerValue }) {
  let map = MAPS.get(parentElement)
  if (!map) parentElement.prepend(Object.assign(document.createElement("style"), { textContent: STYLE }))
  if (!map) MAPS.set(parentElement, (map = new PictureMap(parentElement, setTriggerValue)))
  map.send = setTriggerValue
  const content = JSON.stringify(data)
  if (map.content !== content) map.update(data)
  else map.drawOver()  // the theme may be another one
  map.content = content
}

function close({ parentElement }) {
  MAPS.get(parentElement)?.close()
  MAPS.delete(parentElement)
}
