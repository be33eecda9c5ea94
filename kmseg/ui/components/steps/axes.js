// Pairs of clustered coordinates to choose from: [first, second], the default first: the two with
// the most variance, or hue as an angle, whose first two coordinates are a color wheel.
function pairsOf(pixels, d, wheel) {
  if (d === 1) return [[0, null]]
  const pairs = d === 2 ? [[0, 1]] : [[0, 1], [0, 2], [1, 2]]
  const spread = Array.from({ length: d }, (_, c) => variance(pixels, c))
  const best = ([a, b]) => (wheel && a === 0 && b === 1 ? Infinity : spread[a] + spread[b])
  return pairs.toSorted((one, other) => best(other) - best(one))
}

function variance({ samples, columns }, axis) {
  const values = [...samples].map(number => columns[axis][number - 1])
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
}

// Offer the pairs of axes in a select; returns the pairs in its order.
export function listPairs(select, pixels, data) {
  const pairs = pairsOf(pixels, pixels.d, data.space === "hsv-circular")
  const name = axis => data.coordinates[axis]
  select.replaceChildren(...pairs.map(([a, b]) => (
    new Option(b === null ? name(a) : `${name(a)} and ${name(b)}`)
  )))
  select.parentElement.hidden = pairs.length < 2
  return pairs
}
