/* A line drawn around some points, in whole map units, with no more corners than are needed. */

const MOST_CORNERS = 80
const SMALLEST_PX = 6  // a line that stays within these was a click

/* The corners of a drawn line that matter most (Douglas and Peucker, coarser until they are few enough). */
function simplified(corners) {
  for (let tolerance = 1; ; tolerance *= 1.6) {
    const kept = thinned(corners, tolerance)
    if (kept.length <= MOST_CORNERS) return kept
  }
}

function thinned(corners, tolerance) {
  if (corners.length < 3) return corners
  const [first, last] = [corners[0], corners.at(-1)]
  let [furthest, most] = [0, tolerance]
  for (let at = 1; at < corners.length - 1; at++) {
    const away = distanceToLine(corners[at], first, last)
    if (away > most) [furthest, most] = [at, away]
  }
  if (!furthest) return [first, last]
  return [...thinned(corners.slice(0, furthest + 1), tolerance).slice(0, -1), ...thinned(corners.slice(furthest), tolerance)]
}

function distanceToLine([x, y], [ax, ay], [bx, by]) {
  const length = Math.hypot(bx - ax, by - ay)
  if (!length) return Math.hypot(x - ax, y - ay)
  return Math.abs((by - ay) * (x - ax) - (bx - ax) * (y - ay)) / length
}

function isClick(corners) {
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)]
  return Math.max(...xs) - Math.min(...xs) < SMALLEST_PX && Math.max(...ys) - Math.min(...ys) < SMALLEST_PX
}

/* Pairs of a flat list. */
function paired(flat) {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at], flat[2 * at + 1]])
}
