// Elements of the charts. Names reach them as text; a mark is a button that knows its place in the address.
const SVG = "http://www.w3.org/2000/svg"

function make(tag, kind = "", text = "") {
  const element = document.createElement(tag)
  if (kind) element.className = kind
  if (text !== "") element.textContent = text
  return element
}

function draw(tag, values, text = "") {
  const element = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, value)
  if (text !== "") element.textContent = text
  return element
}

// The text of a mark, as workflow/marks.py writes it: a colon always parts.
function markOf(kind, ...keys) {
  const escaped = keys.map((key) =>
    encodeURIComponent(key).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`))
  return [kind, ...escaped].join(":")
}

// Turn an element into a mark. words: what it stands for, for the line above the chart and for screen readers.
function asMark(element, mark, words) {
  element.dataset.mark = mark
  element.dataset.words = words
  element.setAttribute("role", "button")
  element.setAttribute("aria-label", words)
  element.setAttribute("tabindex", "-1")
  element.classList.add("mark")
  return element
}

const counted = new Intl.NumberFormat("en")

function pictures(count) {
  return `${counted.format(count)} ${count === 1 ? "picture" : "pictures"}`
}
