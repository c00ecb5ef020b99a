// From a place in [0, 1] on a scale to a shade. All scales change in lightness or between orange and blue-green or blue,
// so people who do not see red and green can tell their ends apart.
const SCALES = {
  amount: [[222, 236, 240], [121, 184, 191], [16, 104, 116]],
  good: [[206, 104, 28], [240, 226, 184], [20, 140, 126]],
  gap: [[52, 104, 192], [236, 236, 236], [214, 112, 30]],
  trouble: [[244, 236, 214], [226, 150, 66], [150, 56, 16]],
}

function shade(scale, place) {
  const stops = SCALES[scale]
  const along = Math.min(Math.max(place, 0), 1) * (stops.length - 1)
  const first = Math.min(Math.floor(along), stops.length - 2)
  return stops[first].map((low, i) => Math.round(low + (stops[first + 1][i] - low) * (along - first)))
}

const css = (rgb) => `rgb(${rgb.join(",")})`

// Black or white, whichever reads better: on every shade one of them has a contrast of 4.5 or more (WCAG 2).
function ink(rgb) {
  const [red, green, blue] = rgb.map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff"
}

function gradient(scale) {
  return `linear-gradient(to right, ${SCALES[scale].map(css).join(", ")})`
}
