/* What mouse, fingers and keys do to the map: added to its class, above which this file is joined. */

function stagePlace(event, stage) {
  const box = stage.getBoundingClientRect()
  return [event.clientX - box.left, event.clientY - box.top]
}

const HANDS = {
  listen() {
    const { stage } = this
    stage.onpointerdown = (event) => this.press(event)
    stage.onpointermove = (event) => this.drag(event)
    stage.onpointerup = (event) => this.release(event)
    stage.onpointercancel = (event) => this.release(event, true)
    stage.onpointerleave = () => this.pointers.size || this.look(-1)
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false })
    stage.onkeydown = (event) => this.key(event)
    for (const name of ["by", "level"]) {
      this.part(name).onchange = () => this.send("colour", { by: this.part("by").value, level: this.part("level").value })
    }
    this.part("card").onclick = () => this.open()
    const buttons = {
      move: () => this.choose("move"),
      lasso: () => this.choose("lasso"),
      closer: () => this.zoom(CLOSER),
      further: () => this.zoom(1 / CLOSER),
      whole: () => this.whole(),
      forget: () => this.take([]),
      sight: () => this.take(this.camera.sight()),
    }
    for (const [name, action] of Object.entries(buttons)) this.part(name).onclick = action
  },

  whole() {
    this.camera.whole()
    this.moved()
  },

  wheel(event) {
    event.preventDefault()
    const lines = event.deltaMode === 1 ? 16 : 1
    this.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), stagePlace(event, this.stage))
  },

  press(event) {
    if (event.target.closest(".card") || event.button > 0) return
    const place = stagePlace(event, this.stage)
    this.stage.setPointerCapture(event.pointerId)
    this.pointers.set(event.pointerId, place)
    this.far = this.pointers.size > 1  // two fingers never click
    this.begun = place
    this.line = (this.tool === "lasso" || event.shiftKey) && this.pointers.size === 1 ? [place] : []
  },

  drag(event) {
    const place = stagePlace(event, this.stage)
    const before = this.pointers.get(event.pointerId)
    if (!before) return event.target.closest(".card") ? undefined : this.look(this.find(place))
    if (this.pointers.size === 2) return this.pinch(event.pointerId, before, place)
    this.pointers.set(event.pointerId, place)
    if (this.line.length) {
      this.line.push(place)
      return this.drawOver()
    }
    if (!this.far && Math.hypot(place[0] - this.begun[0], place[1] - this.begun[1]) < 5) return
    this.far = true
    this.camera.pan(place[0] - before[0], place[1] - before[1])
    this.moved()
  },

  pinch(id, before, place) {
    const other = [...this.pointers].find(([key]) => key !== id)[1]
    const apart = ([x, y]) => Math.max(8, Math.hypot(x - other[0], y - other[1]))
    const middle = ([x, y]) => [(x + other[0]) / 2, (y + other[1]) / 2]
    const [was, is] = [middle(before), middle(place)]
    this.pointers.set(id, place)
    this.line = []
    this.camera.zoomAt(apart(place) / apart(before), ...was)
    this.camera.pan(is[0] - was[0], is[1] - was[1])
    this.moved()
  },

  release(event, isCancelled = false) {
    if (!this.pointers.delete(event.pointerId)) return
    if (isCancelled) this.line = []
    const isTap = !this.far && (!this.line.length || isClick(this.line))
    if (this.line.length) this.takeLine()
    if (!isTap || isCancelled || this.tool === "lasso") return
    // A finger sees the picture first and opens it by touching it; a mouse has seen it already.
    this.look(this.find(this.begun, event.pointerType === "mouse" ? REACH_PX : 2 * REACH_PX))
    if (event.pointerType === "mouse") this.open()
  },

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const pans = { ArrowLeft: [STEP_PX, 0], ArrowRight: [-STEP_PX, 0], ArrowUp: [0, STEP_PX], ArrowDown: [0, -STEP_PX] }
    const zooms = { "+": CLOSER, "=": CLOSER, "-": 1 / CLOSER }
    const acts = {
      0: () => this.whole(),
      l: () => this.choose(this.tool === "lasso" ? "move" : "lasso"),
      a: () => this.take(this.camera.sight()),
      Enter: () => this.open(),
      Escape: () => {
        this.line = []
        this.look(-1)
      },
    }
    if (pans[event.key]) this.camera.pan(...pans[event.key])
    else if (zooms[event.key]) this.camera.zoomAt(zooms[event.key])
    else if (acts[event.key]) acts[event.key]()
    else return
    event.preventDefault()
    event.stopPropagation()
    if (!pans[event.key] && !zooms[event.key]) return
    // What is nearest to the middle is what one looks at with keys.
    this.draw()
    this.look(this.find([this.camera.width / 2, this.camera.height / 2], 2 * STEP_PX))
  },
}
