// Classes as boxes in columns, one a level; on a narrow page as an indented list. Data: focus, answer (keys), actions
// [word, text], nodes [key, name, parent, share in words, share, more, below, marks, column, row]; marks: p on the way to
// the answer, l what people say, o on the way to that, k known to the newest tree.
const SVG = "http://www.w3.org/2000/svg"
const [ROW, BOX, INDENT, LEAST_COLUMN, GAP] = [38, 30, 18, 168, 46]
const states = new WeakMap()

function element(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties)
  made.append(...children)
  return made
}

function shape(kind, attributes) {
  const made = document.createElementNS(SVG, kind)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  return made
}

function read([key, name, parent, share, part, more, below, marks, column, row], place) {
  const has = (letter) => marks.includes(letter)
  const flags = { onPath: has("p"), labelled: has("l"), onLabel: has("o"), known: has("k") }
  return { place, key, name, parent, share, part, more, below, column, row, ...flags }
}

const titleOf = (node) => (node.more ? `${node.more.toLocaleString()} more` : node.name)

class Graph {
  constructor(root, tell) {
    Object.assign(this, { root, tell, chosen: -1 })
  }

  // From now on it fits its width; gives what ends that.
  follow() {
    this.watch?.disconnect()
    const watch = new ResizeObserver(() => this.root.clientWidth && this.isNarrow() !== this.narrow && this.draw())
    watch.observe(this.root)
    this.watch = watch
    return () => watch.disconnect()
  }

  show(data) {
    this.data = data
    this.nodes = data.nodes.map(read)
    this.chosen = this.nodes.findIndex(({ key }) => key && key === data.focus)
    this.draw()
  }

  isNarrow() {
    const columns = Math.max(...this.nodes.map(({ column }) => column)) + 1
    return this.root.clientWidth < columns * LEAST_COLUMN
  }

  siblings(node) {
    return this.nodes.filter(({ parent, place }) => parent === node.parent && place !== node.place)
  }

  // Where each box stands: {x, y, width} in pixels.
  places() {
    const columns = Math.max(...this.nodes.map(({ column }) => column)) + 1
    const width = (this.root.clientWidth + GAP) / columns - GAP
    if (!this.narrow) return this.nodes.map(({ column, row }) => ({ x: column * (width + GAP), y: row * ROW, width: Math.min(width, 260) }))
    const made = []
    let next = 0
    const walk = (node) => {
      const x = node.column * INDENT
      made[node.place] = { x, y: next++ * ROW, width: Math.max(120, this.root.clientWidth - x) }
      this.nodes.filter(({ parent }) => parent === node.place).forEach(walk)
    }
    walk(this.nodes[0])
    return made
  }

  draw() {
    this.narrow = this.isNarrow()
    this.at = this.places()
    const { activeElement } = this.root.getRootNode()
    // A button of the panel led to other classes: the one that is chosen now has what it told.
    const focused = activeElement?.dataset.place ?? (this.panel?.contains(activeElement) ? this.chosen : undefined)
    const height = Math.max(...this.at.map(({ y }) => y)) + BOX + 4
    this.svg = shape("svg", { width: "100%", height, "aria-hidden": "true" })
    this.stage = element("div", { className: "stage" }, this.svg, ...this.nodes.map((node) => this.box(node)))
    this.stage.style.height = `${height}px`
    this.stage.onkeydown = (event) => this.key(event)
    this.lines()
    this.panel = element("div", { className: "panel" })
    this.root.replaceChildren(this.legend(), this.stage, this.panel)
    this.tellChosen()
    if (focused !== undefined) this.stage.querySelector(`[data-place="${focused}"]`)?.focus()
  }

  box(node) {
    const { x, y, width } = this.at[node.place]
    const made = element(node.more ? "div" : "button", { className: "node" })
    made.dataset.place = node.place
    Object.assign(made.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${BOX}px` })
    for (const [name, holds] of [["path", node.onPath], ["label", node.onLabel], ["rest", node.more]]) made.classList.toggle(name, Boolean(holds))
    const bar = element("span", { className: "bar" })
    bar.style.width = `${100 * Math.min(1, node.part)}%`
    made.append(bar, element("bdi", { className: "name", textContent: titleOf(node) }))
    if (node.labelled) made.append(element("span", { className: "people", textContent: "people" }))
    made.append(element("span", { className: "share", textContent: node.share }))
    made.title = this.words(node)
    if (node.more) return made
    made.type = "button"
    made.setAttribute("aria-label", this.words(node))
    made.onclick = () => this.choose(node.place)
    made.onpointerenter = made.onfocus = () => this.exclude(node)
    made.onpointerleave = made.onblur = () => this.exclude(null)
    return made
  }

  words(node) {
    const parts = [`${titleOf(node)}: ${node.share}`]
    if (node.onPath) parts.push("on the way to the answer")
    if (node.labelled) parts.push("people say so")
    if (node.below) parts.push(`${node.below} below it`)
    return parts.join(", ")
  }

  lines() {
    const kinds = { is: "", path: "" }
    for (const node of this.nodes.slice(1)) {
      const [from, to] = [this.at[node.parent], this.at[node.place]]
      const [y0, y1] = [from.y + BOX / 2, to.y + BOX / 2]
      const x0 = from.x + from.width
      const bend = (x0 + to.x) / 2
      kinds[node.onPath ? "path" : "is"] += this.narrow
        ? `M${from.x + 6} ${from.y + BOX}V${y1}H${to.x}`
        : `M${x0} ${y0}C${bend} ${y0} ${bend} ${y1} ${to.x} ${y1}`
    }
    for (const [name, path] of Object.entries(kinds)) this.svg.append(shape("path", { d: path, class: `line ${name}` }))
    const groups = grouped(this.nodes.slice(1))
    for (const group of groups.values()) if (group.length > 1) this.svg.append(this.rail(group))
    this.apart = shape("g", {})
    this.svg.append(this.apart)
  }

  // Beside the classes of one group, of which only one can be: a dashed line from the first to the last.
  rail(group) {
    const [first, last] = [this.at[group[0].place], this.at[group.at(-1).place]]
    const x = first.x - 5
    return shape("path", { d: `M${x} ${first.y + 3}V${last.y + BOX - 3}`, class: "line excludes" })
  }

  // Hover: dashed bows to the classes that this one excludes.
  exclude(node) {
    const bows = node ? this.siblings(node) : []
    this.apart.replaceChildren(...bows.map((other) => {
      const [from, to] = [this.at[node.place], this.at[other.place]]
      const x = Math.min(from.x + from.width, to.x + to.width)
      const [y0, y1] = [from.y + BOX / 2, to.y + BOX / 2]
      const bend = x + Math.min(GAP - 6, 10 + Math.abs(y1 - y0) / 8)
      return shape("path", { d: `M${x} ${y0}C${bend} ${y0} ${bend} ${y1} ${x} ${y1}`, class: "line excludes strong" })
    }))
    for (const box of this.stage.querySelectorAll(".node")) {
      box.classList.toggle("excluded", bows.some(({ place }) => place === Number(box.dataset.place)))
    }
  }

  choose(place) {
    this.chosen = place
    this.tellChosen()
  }

  // What is chosen, in words, and what can be done with it.
  tellChosen() {
    for (const box of this.stage.querySelectorAll("button")) box.setAttribute("aria-pressed", Number(box.dataset.place) === this.chosen)
    const node = this.nodes[this.chosen]
    if (!node) return this.panel.replaceChildren()
    const said = element("p", {}, element("b", { textContent: node.name }), `: ${this.meaning(node)}`)
    said.setAttribute("aria-live", "polite")
    const buttons = element("div", { className: "buttons" })
    const { focus, answer } = this.data
    if (focus !== answer) buttons.append(this.button("Back to the answer", () => this.tell("focus", answer)))
    if (node.key !== focus && node.key !== answer) buttons.append(this.button("Look around it", () => this.tell("focus", node.key)))
    for (const [word, text] of this.data.actions) {
      if (word === "class" && !node.known) continue
      if (word !== "class" && node.place === 0) continue  // the root is no answer
      buttons.append(this.button(text, () => this.tell("act", [word, node.key])))
    }
    this.panel.replaceChildren(said, buttons)
  }

  meaning(node) {
    const parts = [`${node.share} of the model's belief`]
    if (node.onPath) parts.push("on the way to its answer")
    if (node.labelled) parts.push("what people say")
    else if (node.onLabel && node.place) parts.push("on the way to what people say")
    const count = this.siblings(node).reduce((sum, { more }) => sum + (more || 1), 0)
    if (count) parts.push(`if it is this, it is none of the ${count.toLocaleString()} beside it`)
    if (!node.known) parts.push("no longer in the class tree")
    return `${parts.join("; ")}.`
  }

  button(text, act) {
    return element("button", { type: "button", className: "do", textContent: text, onclick: act })
  }

  // Up and down within a column, left to the class above, right to the first one below.
  key(event) {
    const here = this.nodes[Number(event.target.dataset?.place)]
    if (!here || event.altKey || event.ctrlKey || event.metaKey) return
    const real = this.nodes.filter(({ more }) => !more)
    const column = real.filter((node) => this.narrow || node.column === here.column)
    column.sort((one, other) => this.at[one.place].y - this.at[other.place].y)
    const at = column.indexOf(here)
    const to = {
      ArrowUp: column[at - 1],
      ArrowDown: column[at + 1],
      ArrowLeft: this.nodes[here.parent],
      ArrowRight: real.find(({ parent }) => parent === here.place),
    }
    if (!(event.key in to)) return
    event.preventDefault()
    event.stopPropagation()  // on this page the arrows also lead to the next picture
    this.stage.querySelector(`[data-place="${to[event.key]?.place}"]`)?.focus()
  }

  legend() {
    const parts = [["path", "the way to the answer"], ["is", "lies below"], ["excludes", "only one of these can be"]]
    const legend = element("p", { className: "legend" })
    for (const [name, words] of parts) {
      const sample = shape("svg", { width: 30, height: 10, "aria-hidden": "true" })
      sample.append(shape("path", { d: "M1 5H29", class: `line ${name}` }))
      legend.append(element("span", {}, sample, words))
    }
    if (this.nodes.some(({ labelled }) => labelled)) {
      legend.append(element("span", {}, element("i", { className: "people", textContent: "people" }), "what people say"))
    }
    return legend
  }
}

function grouped(nodes) {
  const groups = new Map()
  for (const node of nodes) groups.set(node.parent, [...(groups.get(node.parent) ?? []), node])
  return groups
}

export default function ({ data, parentElement, setTriggerValue }) {
  const content = JSON.stringify(data)
  const known = states.get(parentElement)
  const graph = known?.graph ?? new Graph(parentElement.querySelector(".relations"), setTriggerValue)
  states.set(parentElement, { content, graph })
  if (known?.content !== content) graph.show(data)  // else only the theme changed
  return graph.follow()
}
