// What is known of one class: its figures, what its labels are made of, what it is taken for. Then which pictures to show.
const drawnCards = new WeakMap()

function make(tag, kind, text) {
  const made = document.createElement(tag)
  if (kind) made.className = kind
  if (text !== undefined) made.textContent = text
  return made
}

function figure([name, value, note, help]) {
  const box = make("div", "figure")
  box.title = help
  box.append(make("dt", "", name), make("dd", "", value), make("dd", "note", note))
  return box
}

function part(title, help) {
  const made = make("section")
  made.append(make("h3", "", title))
  if (help) made.append(make("p", "help", help))
  return made
}

// A click goes within the page; with a key held down the browser opens the address as it likes.
function leads(link, go) {
  link.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return
    event.preventDefault()
    go()
  }
}

// Who said how much at which level.
function labels({ levels, people, more }) {
  const made = part("Who labelled, and at which level")
  if (!people.length) return made.append(make("p", "help", "Nobody has labelled here yet.")), made
  const scroll = make("div", "scroll")
  const table = make("table")
  const most = Math.max(...people.flatMap(([, counts]) => counts))
  const head = make("tr")
  head.append(make("th", "", "Person"), ...levels.map((level) => make("th", "count", level)))
  table.append(head)
  for (const [name, counts] of people) {
    const row = make("tr")
    const who = make("th")
    who.scope = "row"
    who.append(make("bdi", "", name))
    row.append(who)
    for (const count of counts) {
      const cell = make("td", "count", count ? count.toLocaleString("en") : "·")
      cell.style.setProperty("--share", `${Math.round((70 * count) / most)}%`)
      row.append(cell)
    }
    table.append(row)
  }
  scroll.append(table)
  made.append(scroll)
  if (more) made.append(make("p", "help", more))
  return made
}

// Mistakes as bars; each opens its pictures.
function mistakes([title, help, groups], go) {
  const made = part(title, help)
  const most = Math.max(...groups.flatMap(([, rows]) => rows.map(([, count]) => count)), 1)
  for (const [name, rows, rest] of groups) {
    if (name) made.append(make("h4", "", name))
    const list = make("ul")
    for (const [said, count, href, place] of rows) {
      const item = make("li")
      const link = make("a")
      link.href = href
      link.dataset.focus = `link-${place}`
      link.style.setProperty("--share", `${(100 * count) / most}%`)
      link.append(make("bdi", "", said), make("span", "count", count.toLocaleString("en")))
      link.setAttribute("aria-label", `${said}: ${count.toLocaleString("en")} ${count === 1 ? "picture" : "pictures"}`)
      leads(link, () => go(place))
      item.append(link)
      list.append(item)
    }
    made.append(list)
    if (rest) made.append(make("p", "help", rest))
  }
  return made
}

function tabs(data, show) {
  const group = make("div", "tabs")
  group.setAttribute("role", "radiogroup")
  group.setAttribute("aria-label", "Pictures")
  for (const [value, title] of data.tabs) {
    const label = make("label")
    const radio = make("input")
    radio.type = "radio"
    radio.name = "pictures"
    radio.checked = value === data.tab
    radio.dataset.focus = `tab-${value}`
    radio.onchange = () => show(value)
    label.append(radio, make("span", "", title))
    group.append(label)
  }
  return group
}

// Which pictures are in sight, and the ways back and on.
function turner([first, count, all], turn) {
  const made = make("div", "turner")
  if (all <= count) return made.append(make("span", "help", all ? all.toLocaleString("en") : "")), made
  const last = Math.min(first + count, all)
  for (const [sign, name, to, there] of [["‹", "Previous", first - count, first > 0], ["›", "Next", last, last < all]]) {
    const button = make("button", "plain", sign)
    button.type = "button"
    button.disabled = !there
    button.dataset.focus = name
    button.setAttribute("aria-label", `${name} pictures`)
    button.onclick = () => turn(to)
    made.append(button)
  }
  const said = `${(first + 1).toLocaleString("en")} – ${last.toLocaleString("en")} of ${all.toLocaleString("en")}`
  made.append(make("span", "help", said))
  return made
}

export default function ({ data, parentElement, setTriggerValue }) {
  const card = parentElement.querySelector(".card")
  const content = JSON.stringify(data)
  if (drawnCards.get(parentElement) === content) return  // only the theme changed
  drawnCards.set(parentElement, content)
  const focused = card.getRootNode().activeElement?.dataset?.focus
  const go = (place) => setTriggerValue("go", place)
  const head = make("header")
  const title = make("div", "title")
  const edit = make("button", "plain", data.changing ? "Close the changes" : "Change this class")
  edit.type = "button"
  edit.dataset.focus = "edit"
  edit.setAttribute("aria-expanded", data.changing)
  edit.onclick = () => setTriggerValue("edit", true)
  title.append(make("h2", "", data.name), edit)
  head.append(title)
  for (const line of data.names) head.append(make("p", "help", line))
  if (data.note) head.append(make("p", "", data.note))
  data.links.forEach(([words, href], place) => {
    const link = make("a", "way", words)
    link.href = href
    link.dataset.focus = `way-${place}`
    leads(link, () => setTriggerValue("way", place))
    head.append(link)
  })
  const figures = make("dl", "figures")
  figures.append(...data.figures.map(figure))
  const parts = make("div", "parts")
  parts.append(labels(data.labels), ...data.mistakes.map((one) => mistakes(one, go)))
  card.replaceChildren(head, figures, ...data.missing.map((line) => make("p", "missing", line)), parts)
  const bar = make("div", "bar")
  bar.append(tabs(data, (value) => setTriggerValue("pictures", value)), turner(data.page, (first) => setTriggerValue("first", first)))
  card.append(make("h3", "pictures", "Pictures"), bar, make("p", "help", data.told))
  const again = focused && [...card.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === focused)
  again?.focus({ preventScroll: true })
}
