/* The legend: what each colour means, and which are looked at. None chosen: all are. */

class Legend {
  constructor(list, onChange) {
    this.list = list
    this.onChange = onChange
    this.tones = []
    this.chosen = new Set()
  }

  set(tones, only) {
    const names = JSON.stringify(tones.map((tone) => tone.name))
    if (names !== this.names) this.chosen = new Set(only.filter((code) => code < tones.length))
    this.names = names
    this.tones = tones
    this.list.replaceChildren(...tones.map((tone, code) => this.row(tone, code)))
  }

  row(tone, code) {
    const button = document.createElement("button")
    button.type = "button"
    const swatch = document.createElement("span")
    swatch.className = "swatch"
    swatch.style.background = tone.colour
    const name = document.createElement("bdi")
    name.className = "name"
    name.textContent = tone.name
    const count = document.createElement("span")
    count.className = "count"
    count.textContent = tone.count.toLocaleString("en")
    button.append(swatch, name, count)
    button.title = tone.name
    button.setAttribute("aria-pressed", String(this.chosen.has(code)))
    button.classList.toggle("dim", this.isDim(code))
    button.onclick = () => this.toggle(code)
    const item = document.createElement("li")
    item.append(button)
    return item
  }

  toggle(code) {
    if (!this.chosen.delete(code)) this.chosen.add(code)
    this.list.querySelectorAll("button").forEach((button, at) => {
      button.setAttribute("aria-pressed", String(this.chosen.has(at)))
      button.classList.toggle("dim", this.isDim(at))
    })
    this.onChange()
  }

  isDim(code) {
    return this.chosen.size > 0 && !this.chosen.has(code)
  }

  /* The codes that are looked at; none for all. */
  only() {
    return [...this.chosen].sort((a, b) => a - b)
  }
}
