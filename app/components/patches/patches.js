// The graphs of a picture, block beside block. Data: inspection, image, ratio, size, of, classes [{key, name, share}],
// chosen (a key) and blocks ("4,8,12"), both "" for what is usual. Tells `node` and `blocks` when they are chosen here.
const states = new WeakMap()  // parent -> what it shows
let strength = 0.75  // kept from picture to picture while the page is open

const ordinal = (rank) => `${rank}${rank % 100 > 3 && rank % 100 < 21 ? "th" : ["th", "st", "nd", "rd"][rank % 10] ?? "th"}`
const listed = (text) => text.split(",").map(Number).filter((one) => Number.isInteger(one) && one > 0)

class View {
  constructor(root, tell) {
    this.root = root
    this.tell = tell
    this.where = null  // {x, y} in shares of the picture: the patch people chose, in every block; null: the strongest
  }

  // What people see follows the data, but the patch they look at stays.
  async show(data) {
    if (this.data?.inspection !== data.inspection) {
      this.where = null
      this.root.replaceChildren(element("p", { className: "quiet", textContent: "The graphs are on their way …" }))
    }
    this.data = data
    try {
      this.graph = await graphOf(data.inspection)
    } catch (error) {
      this.root.replaceChildren(element("p", { role: "alert", textContent: `The graphs could not be fetched: ${error.message}` }))
      return
    }
    const known = listed(data.blocks).filter((number) => number <= this.graph.blocks.length)
    this.blocks = known.length ? known : this.graph.shown
    const place = data.classes.findIndex(({ key }) => key === data.chosen)
    this.place = place < 0 ? data.classes.length - 1 : place
    this.draw()
  }

  draw() {
    const focused = this.root.getRootNode().activeElement?.dataset.focus
    this.row = element("div", { className: "row" })
    this.figures = this.blocks.map((number) => new Figure(this, this.graph.blocks[number - 1]))
    this.row.append(...this.figures.map(({ figure }) => figure))
    this.root.replaceChildren(this.classes(), this.bar(), this.row, this.legend())
    this.root.style.setProperty("--strength", strength)
    if (focused) this.root.querySelector(`[data-focus="${focused}"]`)?.focus()
  }

  classes() {
    const group = element("div", { className: "choices", role: "group" })
    group.setAttribute("aria-label", "Evidence for")
    group.append(element("span", { className: "quiet", textContent: "Evidence for" }))
    this.data.classes.forEach(({ name, share }, place) => {
      const pick = element("button", { type: "button", className: "choice" }, element("bdi", { textContent: name }))
      pick.append(element("span", { className: "share", textContent: share }))
      pick.dataset.focus = `class-${place}`
      pick.setAttribute("aria-label", share ? `${name}, ${share}` : name)
      pick.setAttribute("aria-pressed", place === this.place)
      pick.onclick = () => this.chooseClass(place)
      group.append(pick)
    })
    return group
  }

  chooseClass(place) {
    this.place = place
    this.draw()
    this.tell("node", this.data.classes[place].key)
  }

  bar() {
    const bar = element("div", { className: "bar" }, this.blockChoice(), this.slider())
    const back = element("button", { type: "button", className: "choice", textContent: "Back to the strongest" })
    back.dataset.focus = "back"
    back.onclick = () => this.look(null)
    this.back = back
    back.disabled = !this.where
    bar.append(back, this.files())
    return bar
  }

  blockChoice() {
    const group = element("div", { className: "choices", role: "group" })
    group.setAttribute("aria-label", "Blocks to show")
    group.append(element("span", { className: "quiet", textContent: "Blocks" }))
    for (const { number } of this.graph.blocks) {
      const pick = element("button", { type: "button", className: "choice small", textContent: number })
      pick.dataset.focus = `block-${number}`
      pick.setAttribute("aria-pressed", this.blocks.includes(number))
      pick.setAttribute("aria-label", `Block ${number}`)
      pick.onclick = () => this.toggleBlock(number)
      group.append(pick)
    }
    return group
  }

  toggleBlock(number) {
    const there = this.blocks.includes(number)
    if (there && this.blocks.length === 1) return  // one is always shown
    const blocks = there ? this.blocks.filter((one) => one !== number) : [...this.blocks, number]
    this.blocks = blocks.sort((one, other) => one - other)
    this.draw()
    this.tell("blocks", this.blocks.join(","))
  }

  slider() {
    const input = element("input", { type: "range", min: 0, max: 1, step: 0.05, value: strength })
    input.oninput = () => {
      strength = input.value
      this.root.style.setProperty("--strength", strength)
    }
    return element("label", { className: "strength" }, element("span", { className: "quiet", textContent: "Heat" }), input)
  }

  files() {
    const files = element("span", { className: "files" }, element("span", { className: "quiet", textContent: "This figure" }))
    const query = `class=${this.place}&blocks=${this.blocks.join(",")}`
    for (const kind of ["png", "svg"]) {
      const href = `/api/patches/${this.data.inspection}/figure.${kind}?${query}`
      files.append(element("a", { href, download: "", textContent: kind.toUpperCase() }))
    }
    return files
  }

  legend() {
    const words = "The star is the patch that speaks most for the class in that block. Lines lead to the patches that the "
      + "block itself connected with the framed one, the nearest the thickest. Click any patch, or move with the arrow keys; Esc leads back."
    return element("p", { className: "quiet legend", textContent: words })
  }

  // Look at one place in every block.
  look(where) {
    this.where = where
    this.back.disabled = !where
    this.figures.forEach((one) => one.draw())
  }
}

class Figure {
  constructor(view, block) {
    Object.assign(this, { view, block })
    const { data } = view
    this.svg = shape("svg", { preserveAspectRatio: "none", "aria-hidden": "true" })
    this.canvas = element("canvas")
    this.frame = element("div", { className: "frame", tabIndex: 0 })
    this.frame.dataset.focus = `frame-${block.number}`
    this.frame.style.aspectRatio = data.ratio
    this.frame.setAttribute("role", "application")
    this.frame.setAttribute("aria-label", `Patches of block ${block.number}: the arrow keys choose one`)
    const source = `/api/images/${data.image}?w=640&of=${data.of}`
    const picture = element("img", { src: source, alt: "", onerror: () => this.frame.classList.add("missing") })
    this.frame.append(picture, this.canvas, this.svg)
    this.said = element("p", { className: "said" })
    this.said.setAttribute("aria-live", "polite")
    this.list = element("ol", { className: "list" })
    const title = `Block ${block.number} of ${view.graph.blocks.length}`
    this.figure = element("figure", {}, element("figcaption", { textContent: title }), this.frame, this.said, this.list)
    this.figure.style.maxWidth = `min(66vh * ${data.ratio}, 560px)`
    this.listen()
    drawHeat(this.canvas, block, block.heat[view.place])
    this.draw()
  }

  get star() {
    return this.block.stars[this.view.place]
  }

  get centre() {
    const { where } = this.view
    return where ? patchAt(this.block, where.x, where.y) : this.star
  }

  draw() {
    const { centre, star, block } = this
    this.neighbours = centre < 0 ? [] : connectedWith(block, centre)
    drawGraph(this.svg, block, { ratio: this.view.data.ratio, centre, star, neighbours: this.neighbours })
    this.list.replaceChildren(...this.neighbours.map((one) => this.chip(one)))
    this.frame.classList.toggle("nothing", star < 0)
    this.say()
  }

  chip({ rank, candidate, similarity }) {
    const words = `${ordinal(rank)} nearest, ${similarity}% alike, ${candidateWords(this.block, candidate)}`
    const pick = element("button", { type: "button", className: "chip", title: words })
    pick.setAttribute("aria-label", `${words}: look at it`)
    pick.append(element("b", { textContent: rank }), `${similarity}%`)
    pick.dataset.rank = rank
    const { x, y, width, height } = candidatePlace(this.block, candidate)
    pick.onclick = () => this.goTo(x + width / 2, y + height / 2)
    pick.onpointerenter = pick.onfocus = () => this.mean(rank)
    pick.onpointerleave = pick.onblur = () => this.mean(0)
    return element("li", {}, pick)
  }

  // x, y in patches; the middle of one.
  goTo(x, y) {
    this.view.look({ x: x / this.block.columns, y: y / this.block.rows })
  }

  mean(rank) {
    emphasise(this.figure, rank)
    const one = this.neighbours[rank - 1]
    if (one) this.said.textContent = `${ordinal(rank)} nearest: ${one.similarity}% alike, ${candidateWords(this.block, one.candidate)}.`
    else this.say()
  }

  say() {
    const { centre, star, block, view } = this
    const name = view.data.classes[view.place].name
    const nothing = `Nothing in this block speaks for ${name}: no evidence.`
    if (centre < 0) this.said.textContent = `${nothing} Click a patch to see what it is connected with.`
    else {
      const heat = Math.round((block.heat[view.place][centre] / 255) * 100)
      const what = centre === star ? `Strongest patch for ${name}` : `Patch with ${heat}% of the strongest evidence`
      const first = star < 0 ? `${nothing} Patch` : what
      this.said.textContent = `${first}: ${patchWords(block, centre)}, connected with ${this.neighbours.length}.`
    }
  }

  listen() {
    const { frame } = this
    const patchUnder = (event) => {
      const area = frame.getBoundingClientRect()
      return patchAt(this.block, (event.clientX - area.left) / area.width, (event.clientY - area.top) / area.height)
    }
    frame.onclick = (event) => {
      const { x, y } = placeOf(this.block, patchUnder(event))
      this.goTo(x + 0.5, y + 0.5)
    }
    frame.onpointermove = (event) => this.point(patchUnder(event))
    frame.onpointerleave = () => this.point(-1)
    frame.onkeydown = (event) => this.key(event)
  }

  // The pointer is over a patch: of a neighbour it is said how alike it is.
  point(patch) {
    if (patch === this.pointed) return
    this.pointed = patch
    drawPointed(this.svg, this.block, this.view.data.ratio, patch)
    const at = patch < 0 ? null : placeOf(this.block, patch)
    const over = this.neighbours.find(({ candidate }) => {
      const { x, y, width, height } = candidatePlace(this.block, candidate)
      return at && at.x >= x && at.x < x + width && at.y >= y && at.y < y + height
    })
    this.mean(over?.rank ?? 0)
  }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    if ((!step && event.key !== "Escape") || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    event.stopPropagation()  // on this page the arrows also lead to the next picture
    if (!step) return this.view.look(null)
    const { rows, columns } = this.block
    if (this.centre < 0) return this.goTo(Math.floor(columns / 2) + 0.5, Math.floor(rows / 2) + 0.5)
    const { x, y } = placeOf(this.block, this.centre)
    this.goTo(Math.min(columns - 1, Math.max(0, x + step[0])) + 0.5, Math.min(rows - 1, Math.max(0, y + step[1])) + 0.5)
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".patches")
  const content = JSON.stringify(data)
  const known = states.get(parentElement)
  if (known?.content === content) return  // only the theme changed
  const view = known?.view ?? new View(root, setTriggerValue)
  states.set(parentElement, { content, view })
  view.show(data)
}
