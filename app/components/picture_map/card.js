/* The picture of the point one looks at, with what the model and people say of it. */

const PATIENCE_MS = 70  // a pointer that only passes by asks for nothing
const GAP = 14
const MOST_KNOWN = 500

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
    const picture = this.box.querySelector("img")
    picture.removeAttribute("src")  // the one before may still be on its way
    picture.style.visibility = "hidden"
    this.box.classList.remove("missing")
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
    try {
      const response = await fetch(`/api/maps/${task}/pictures/${image}?of=${of}`, { headers: { "x-hmgc-token": token } })
      if (response.status === 404) this.keep(image, { gone: true })
      else if (response.ok) this.keep(image, await response.json())
    } catch {
      return  // the app is away: the picture will not come either
    }
    if (this.image === image && this.known.has(image)) this.fill(image, this.known.get(image))
  }

  /* What was told last is shown at once, and asked for anew: somebody may have labelled the picture since. */
  keep(image, told) {
    if (this.known.size >= MOST_KNOWN) this.known.clear()
    this.known.set(image, told)
  }

  fill(image, told) {
    const part = (name) => this.box.querySelector(`[data-part=${name}]`)
    this.box.classList.remove("right", "wrong")
    if (!told) {
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
  if (verdict === "open") return "? no class agreed on"
  return verdict === "right" ? `✓ people say ${label}` : `✗ people say ${label}`
}

/* As on all pages: never 0% or 100% for what is only nearly so. */
function percent(share) {
  if (share > 0 && share < 0.005) return "<1%"
  if (share >= 0.995 && share < 1) return ">99%"
  return `${Math.round(100 * share)}%`
}
