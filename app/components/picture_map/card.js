/* The picture of the point one looks at, with what the model and people say of it. */

const PATIENCE_MS = 70  // a pointer that only passes by asks for nothing
const GAP = 14

class Card {
  constructor(box) {
    this.box = box
    this.known = new Map()
    this.image = -1
  }

  /* Show a picture beside (x, y) of a stage of this size. */
  show(image, [x, y], [width, height], data) {
    const isNew = image !== this.image
    this.image = image
    this.box.hidden = false
    const size = this.box.getBoundingClientRect()
    const right = x + GAP + size.width < width || x < width / 2 ? x + GAP : x - GAP - size.width
    const left = Math.max(4, Math.min(width - size.width - 4, right))
    const top = Math.max(4, Math.min(height - size.height - 4, y - size.height / 2))
    this.box.style.translate = `${left}px ${top}px`
    if (!isNew) return
    clearTimeout(this.timer)
    this.fill(image, this.known.get(image))
    this.timer = setTimeout(() => this.ask(image, data), PATIENCE_MS)
  }

  hide() {
    clearTimeout(this.timer)
    this.image = -1
    this.box.hidden = true
  }

  async ask(image, { task, of, token }) {
    const picture = this.box.querySelector("img")
    picture.onload = () => (picture.style.visibility = "visible")
    picture.onerror = () => this.box.classList.add("missing")
    picture.src = `/api/images/${image}?w=320&of=${of}`
    if (this.known.has(image)) return
    try {
      const response = await fetch(`/api/maps/${task}/pictures/${image}?of=${of}`, { headers: { "x-hmgc-token": token } })
      if (response.status === 404) this.known.set(image, { gone: true })
      else if (response.ok) this.known.set(image, await response.json())
    } catch {
      return  // the app is away: the picture will not come either
    }
    if (this.image === image && this.known.has(image)) this.fill(image, this.known.get(image))
  }

  fill(image, told) {
    const part = (name) => this.box.querySelector(`[data-part=${name}]`)
    if (!told) {
      this.box.classList.remove("missing", "right", "wrong")
      this.box.querySelector("img").style.visibility = "hidden"
      part("answer").textContent = `Picture ${image}`
      part("label").textContent = "\u2026"
      return
    }
    if (told.verdict) this.box.classList.add(told.verdict)
    part("answer").textContent = told.gone ? `Picture ${image} was taken out` : `${told.answer} ${percent(told.share)}`
    part("label").textContent = told.gone ? "" : said(told)
  }
}

function said({ label, verdict }) {
  if (verdict === "unlabelled") return "– not labelled"
  return verdict === "right" ? `✓ people say ${label}` : `✗ people say ${label}`
}

/* As on all pages: never 0% or 100% for what is only nearly so. */
function percent(share) {
  if (share > 0 && share < 0.005) return "<1%"
  if (share >= 0.995 && share < 1) return ">99%"
  return `${Math.round(100 * share)}%`
}
