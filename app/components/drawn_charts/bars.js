// Panels of bars. Data: panels of {title, about, stacked: names above the bars, rows of [name, note, parts of [count, tone, mark, words]]}.
function barPanel({ title, about, rows, nothing, stacked }) {
  const panel = make("section", "panel")
  panel.append(make("h4", "", title))
  if (about) panel.append(make("p", "about", about))
  if (!rows.length) panel.append(make("p", "about", nothing ?? "Nothing to show."))
  const most = Math.max(1, ...rows.map(([, , parts]) => parts.reduce((sum, [count]) => sum + count, 0)))
  const list = make("div", stacked ? "bars stacked" : "bars")
  for (const [name, note, parts] of rows) {
    const row = make("div", "row")
    const label = make("bdi", "name", name)
    label.title = name
    const track = make("span", "track")
    const counted = parts.filter(([count]) => count)
    for (const [count, tone, mark, words] of counted) {
      const part = make("span", `bar ${tone}`)
      part.style.width = `max(5px, ${(100 * count) / most}%)`
      track.append(part)
      // A row with one part is a mark from its name to its end: easier to hit.
      asMark(counted.length > 1 ? part : row, mark, words)
    }
    row.append(label, track, make("span", "note", note))
    list.append(row)
  }
  panel.append(list)
  return panel
}

function drawBars({ panels }) {
  return panels.map(barPanel)
}
