// Points and lines between 0 and 1. Data: panels of {title, about, x, y, points of [x, y, count, mark, words], line of x, y, …}.
const ROOM = { left: 58, right: 20, top: 12, bottom: 42 }
const SIDE = 340

function curvePanel(panel, { wide }) {
  const section = make("section", `panel plot ${wide ? "wide" : ""}`)
  section.append(make("h4", "", panel.title))
  if (panel.about) section.append(make("p", "about", panel.about))
  const across = wide ? 2 * SIDE : SIDE
  const at = {
    x: (share) => ROOM.left + share * (across - ROOM.left - ROOM.right),
    y: (share) => SIDE - ROOM.bottom - share * (SIDE - ROOM.top - ROOM.bottom),
  }
  const sheet = draw("svg", { viewBox: `0 0 ${across} ${SIDE}`, class: "sheetplot", role: "group", "aria-label": panel.title })
  axes(sheet, at, panel, across)
  if (panel.diagonal) sheet.append(draw("line", { x1: at.x(0), y1: at.y(0), x2: at.x(1), y2: at.y(1), class: "ideal" }))
  const pairs = []
  for (let place = 0; place < (panel.line ?? []).length; place += 2) {
    pairs.push(`${at.x(panel.line[place]).toFixed(1)},${at.y(panel.line[place + 1]).toFixed(1)}`)
  }
  if (pairs.length) sheet.append(draw("polyline", { points: pairs.join(" "), class: "curve" }))
  const most = Math.max(1, ...panel.points.map(([, , count]) => count))
  for (const [x, y, count, mark, words, label] of panel.points) {
    const radius = panel.diagonal ? 4 + 12 * Math.sqrt(count / most) : 6
    sheet.append(asMark(draw("circle", { cx: at.x(x), cy: at.y(y), r: radius.toFixed(1), class: "point" }), mark, words))
    const side = x < 0.1 ? { x: at.x(x) + 9, "text-anchor": "start" } : { x: at.x(x) - 9, "text-anchor": "end" }  // not over the axis
    if (label) sheet.append(draw("text", { ...side, y: at.y(y) + 18, class: "hint" }, label))
  }
  section.append(sheet)
  return section
}

function axes(sheet, at, { x, y }, across) {
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const words = `${Math.round(100 * share)}%`
    sheet.append(draw("line", { x1: at.x(0), x2: at.x(1), y1: at.y(share), y2: at.y(share), class: "grid" }))
    sheet.append(draw("text", { x: ROOM.left - 7, y: at.y(share) + 4, "text-anchor": "end" }, words))
    sheet.append(draw("text", { x: at.x(share), y: SIDE - ROOM.bottom + 17, "text-anchor": "middle" }, words))
  }
  sheet.append(draw("text", { x: at.x(0.5), y: SIDE - 5, "text-anchor": "middle", class: "axis" }, x))
  const middle = at.y(0.5)
  sheet.append(draw("text", { x: 11, y: middle, "text-anchor": "middle", class: "axis", transform: `rotate(-90 11 ${middle})` }, y))
}

function drawCurves({ panels, wide }, { width }) {
  return panels.map((panel) => curvePanel(panel, { wide: Boolean(wide) && width > 600 }))
}
