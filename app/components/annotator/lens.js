/* A closer look at the picture: larger, moved, brighter. By style alone, on the box around the picture, and only while
   there is something to change: the next picture costs nothing. */

const ZOOM_STEP = 1.5;
const MOST_ZOOM = 16;
const DOUBLE_CLICK = 2.5;
const MOST_LIGHT = 4; // and a quarter of it the other way
const LIGHT_STEP = 2 ** 0.25;
const KEY_MOVE = 80;
const LINE = 33; // pixels; some browsers tell the wheel's way in lines
const SHARPEN_AFTER_MS = 150; // when zooming rests

class Lens {
  /* onRest(scale): the picture is enlarged this much, and could be sharper. */
  constructor(parts, { signal, onRest }) {
    Object.assign(this, { parts, frame: parts.frame, picture: parts.picture, onRest, keeps: false });
    this.fingers = new Map(); // pointers on the picture: id -> {x, y}
    this.reset();
    this.listen(signal);
  }

  /* Another picture: begin anew, unless the person wants to keep the view. */
  next() {
    clearTimeout(this.resting);
    if (this.keeps) this.rest();
    else if (!this.isPlain) this.reset();
  }

  get isPlain() {
    return this.scale === 1 && this.light === 1 && this.contrast === 1;
  }

  reset() {
    Object.assign(this, { scale: 1, x: 0, y: 0, light: 1, contrast: 1 });
    this.apply();
  }

  /* Make the picture `factor` times as large; the point (x, y), counted from the middle, stays where it is. */
  zoomBy(factor, { x = 0, y = 0 } = {}) {
    const before = this.scale;
    this.scale = Math.max(1, Math.min(before * factor, this.mostZoom));
    const grown = this.scale / before;
    Object.assign(this, { x: x - (x - this.x) * grown, y: y - (y - this.y) * grown });
    this.apply();
    this.rest();
    return this.scale !== before;
  }

  moveBy(x, y) {
    Object.assign(this, { x: this.x + x, y: this.y + y });
    this.apply();
  }

  /* by: steps, brighter from 0 up. */
  changeLight(name, by) {
    this[name] = Math.max(1 / MOST_LIGHT, Math.min(this[name] * LIGHT_STEP ** by, MOST_LIGHT));
    this.apply();
  }

  /* A pixel of the picture becomes no larger than a large pixel of a small picture is from the beginning. */
  get mostZoom() {
    const image = this.picture.firstChild;
    const shown = image ? shownSize(image).scale : 1;
    return Math.max(4, Math.min(LARGEST_ENLARGEMENT / shown, MOST_ZOOM));
  }

  apply() {
    const { scale, light, contrast, picture, frame } = this;
    if (scale > 1) this.clamp();
    else Object.assign(this, { x: 0, y: 0 });
    picture.style.transform = scale > 1 ? `translate(${this.x}px, ${this.y}px) scale(${scale})` : "";
    picture.style.filter = light === 1 && contrast === 1 ? "" : `brightness(${light}) contrast(${contrast})`;
    frame.classList.toggle("near", scale > 1);
    const { zoomText, lightRange, contrastRange } = this.parts;
    zoomText.textContent = `${scale.toFixed(1)}×`;
    lightRange.value = Math.log2(light);
    contrastRange.value = Math.log2(contrast);
  }

  /* The picture may leave the frame by no edge that would leave a gap there. */
  clamp() {
    const image = this.picture.firstChild;
    if (!image) return;
    const { width, height } = shownSize(image);
    const far = (size, room) => Math.max(0, (size * this.scale - room) / 2);
    const [right, down] = [far(width, this.frame.clientWidth), far(height, this.frame.clientHeight)];
    this.x = Math.max(-right, Math.min(this.x, right));
    this.y = Math.max(-down, Math.min(this.y, down));
  }

  rest() {
    clearTimeout(this.resting);
    if (this.scale > 1) this.resting = setTimeout(() => this.onRest(this.scale), SHARPEN_AFTER_MS);
  }

  toggle() {
    const { lens, lensOpener } = this.parts;
    lens.hidden = !lens.hidden;
    lensOpener.setAttribute("aria-expanded", String(!lens.hidden));
  }

  // --- mouse, wheel and fingers ------------------------------------------------------------------------------------

  listen(signal) {
    const { frame, parts } = this;
    const on = (target, name, act, options = {}) => target.addEventListener(name, act, { signal, ...options });
    on(frame, "wheel", (event) => this.onWheel(event), { passive: false });
    on(frame, "pointerdown", (event) => this.onDown(event));
    on(frame, "pointermove", (event) => this.onMove(event));
    for (const name of ["pointerup", "pointercancel"]) on(frame, name, (event) => this.fingers.delete(event.pointerId));
    on(frame, "dblclick", (event) => this.onDouble(event));
    on(parts.lightRange, "input", () => this.changeTo("light", parts.lightRange.value));
    on(parts.contrastRange, "input", () => this.changeTo("contrast", parts.contrastRange.value));
    on(parts.keepView, "change", () => (this.keeps = parts.keepView.checked));
    signal.addEventListener("abort", () => clearTimeout(this.resting));
  }

  changeTo(name, power) {
    this[name] = 2 ** Number(power);
    this.apply();
  }

  onWheel(event) {
    if (isWithin(event.target, ".lens")) return;
    const pixels = event.deltaY * (event.deltaMode ? LINE : 1);
    // At its smallest there is nothing to zoom out of: then the page scrolls.
    if (this.zoomBy(2 ** (-pixels / 300), this.fromMiddle(event)) || this.scale > 1) event.preventDefault();
  }

  onDown(event) {
    if (isWithin(event.target, "button, .lens, .hint") || event.button > 0) return;
    this.fingers.set(event.pointerId, this.fromMiddle(event));
    if (this.scale > 1 || this.fingers.size > 1) this.frame.setPointerCapture(event.pointerId);
  }

  onMove(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = this.fromMiddle(event);
    const [other] = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, finger]) => finger);
    this.fingers.set(event.pointerId, now);
    if (!other) {
      if (this.scale > 1) this.moveBy(now.x - before.x, now.y - before.y);
      return;
    }
    const apart = (finger) => Math.hypot(finger.x - other.x, finger.y - other.y);
    this.moveBy((now.x - before.x) / 2, (now.y - before.y) / 2);
    this.zoomBy(apart(now) / Math.max(apart(before), 1), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  onDouble(event) {
    if (isWithin(event.target, "button, .lens, .hint")) return;
    this.zoomBy(this.scale > 1 ? 0 : DOUBLE_CLICK, this.fromMiddle(event));
  }

  fromMiddle({ clientX, clientY }) {
    const { left, top, width, height } = this.frame.getBoundingClientRect();
    return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
  }
}

/* What of an image's box the picture fills, before zooming: {width, height} and `scale`, points for each pixel. */
function shownSize({ clientWidth, clientHeight, naturalWidth, naturalHeight }) {
  const scale = Math.min(clientWidth / naturalWidth, clientHeight / naturalHeight) || 1;
  return { width: naturalWidth * scale, height: naturalHeight * scale, scale };
}
