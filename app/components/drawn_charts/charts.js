// Charts of predictions. A click, Enter or Space on a mark opens its pictures; arrows go from mark to mark.
const DRAW = { bars: drawBars, matrix: drawMatrix, curves: drawCurves }
const drawn = new WeakMap()
const heard = new WeakMap()

function parts(data, tools) {
  return (data.parts ?? [data]).flatMap((part) => DRAW[part.kind](part, tools))
}

// Back up the tree: the classes above the one whose classes are shown.
function crumbs(steps, go) {
  const line = make("nav", "crumbs")
  line.setAttribute("aria-label", "Shown classes")
  steps.forEach(([key, name], place) => {
    if (place) line.append(make("span", "", "›"))
    const isLast = place === steps.length - 1
    const step = make(isLast ? "b" : "button", "", name)
    if (!isLast) step.onclick = () => go(key)
    line.append(step)
  })
  return line
}

function press(box, mark) {
  for (const element of box.querySelectorAll("[data-mark]")) {
    const isPressed = element.dataset.mark === mark
    element.setAttribute("aria-pressed", isPressed)
    element.classList.toggle("pressed", isPressed)
  }
}

// Of the marks in the direction of an arrow, the nearest; along the arrow counts less than beside it.
function nextMark(marks, from, key) {
  const [dx, dy] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key]
  const middle = (element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect()
    return [(left + right) / 2, (top + bottom) / 2]
  }
  const [x, y] = middle(from)
  let [best, least] = [null, Infinity]
  for (const mark of marks) {
    const [otherX, otherY] = middle(mark)
    const along = (otherX - x) * dx + (otherY - y) * dy
    const beside = Math.abs((otherX - x) * dy) + Math.abs((otherY - y) * dx)
    if (along > 1 && along + 4 * beside < least) [best, least] = [mark, along + 4 * beside]
  }
  return best
}

function listen(box, told, silent, open) {
  const marks = () => [...box.querySelectorAll("[data-mark]")]
  const markAt = (event) => event.target.closest("[data-mark]")
  const say = (event) => {
    const mark = markAt(event)
    told.textContent = (mark ?? box.querySelector(".pressed"))?.dataset.words ?? silent
  }
  box.onpointerover = say
  box.onfocusin = say
  box.onpointerleave = say
  const choose = (mark) => {
    press(box, mark.dataset.mark)
    roam(marks(), mark)
    told.textContent = mark.dataset.words
    open(mark.dataset.mark)
  }
  box.onclick = (event) => markAt(event) && choose(markAt(event))
  box.onkeydown = (event) => {
    const mark = markAt(event)
    if (!mark) return
    if (event.key === "Enter" || event.key === " ") choose(mark)
    else if (event.key.startsWith("Arrow")) {
      const next = nextMark(marks(), mark, event.key)
      if (next) {
        roam(marks(), next)
        next.focus()
      }
    } else return
    event.preventDefault()
    event.stopPropagation() // the page has keys of its own
  }
}

// One mark of the chart is reached by Tab, the others by arrows.
function roam(marks, here) {
  for (const mark of marks) mark.setAttribute("tabindex", mark === here ? 0 : -1)
}

function show({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".drawing")
  const { left, ...chart } = data
  const content = JSON.stringify(chart)
  if (!drawn.has(parentElement)) {
    parentElement.prepend(Object.assign(document.createElement("style"), { textContent: STYLE }))
    // The gallery gives up the mark of the chart before.
    if (left) window.dispatchEvent(new CustomEvent("hmgc-mark", { detail: "" }))
  }
  // Else only the theme changed.
  if (drawn.get(parentElement) !== content) fill(box, chart, setTriggerValue)
  drawn.set(parentElement, content)
  heard.get(parentElement)?.abort()
  const listening = new AbortController()
  heard.set(parentElement, listening)
  window.addEventListener("hmgc-marked", ({ detail }) => press(box, detail), { signal: listening.signal })
}

function close({ parentElement }) {
  heard.get(parentElement)?.abort()
  heard.delete(parentElement)
  drawn.delete(parentElement)
}

function fill(box, data, setTriggerValue) {
  if (!data.parts && !data.kind) return box.replaceChildren()
  const hadFocus = box.contains(box.getRootNode().activeElement)
  const go = (key) => setTriggerValue("below", key)
  const told = make("p", "told")
  told.setAttribute("aria-live", "polite")
  const chart = make("div", `charts ${data.layout ?? ""}`)
  chart.append(...parts(data, { go, width: chartWidth(box, data.layout) }))
  const above = data.crumbs?.length > 1 ? [crumbs(data.crumbs, go)] : []
  const below = data.trained ? [make("p", "about", data.trained)] : []
  box.replaceChildren(...above, told, chart, ...below)
  // The address knows more than the data: a mark chosen since draws no chart anew.
  press(box, new URLSearchParams(location.search).get("mark") ?? data.mark)
  const silent = data.silent ?? "Each mark opens its pictures below."
  told.textContent = box.querySelector(".pressed")?.dataset.words ?? silent
  const marks = [...box.querySelectorAll("[data-mark]")]
  roam(marks, box.querySelector(".pressed") ?? marks[0])
  listen(box, told, silent, (mark) => window.dispatchEvent(new CustomEvent("hmgc-mark", { detail: mark })))
  if (hadFocus) box.querySelector("[data-mark][tabindex='0']")?.focus({ preventScroll: true })
}

function chartWidth(box, layout) {
  const whole = box.clientWidth || 800
  return layout === "beside" && whole >= 1000 ? whole - 360 : whole
}
