import { percent } from "../shared/helpers.js"

const SUPERSCRIPTS = { "-": "⁻", ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].entries()) }

// A number with three significant digits, such as "0.0123" or "3.74 × 10⁸"; whole with commas from
// a thousand to a million. The same as `power` in Python.
export function power(value) {
  if (value >= 999.5 && value < 1e6) return Math.round(value).toLocaleString("en")
  if (value !== 0 && (value < 1e-4 || value >= 1e6)) {
    const [digits, exponent] = value.toExponential(2).split("e")
    const raised = [...String(Number(exponent))].map(character => SUPERSCRIPTS[character]).join("")
    return `${Number(digits)} × 10${raised}`
  }
  return String(Number(value.toPrecision(3)))
}

const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`

// A position's name beside the slider.
export function stepName(run, position) {
  const { kind, step, number } = run.at(position)
  if (kind === "odds" || kind === "draw") return `Seed ${number + 1} of ${run.k}`
  return `Step ${step} of ${run.moves}`
}

// One or two sentences on what happens at a position, with numbers over all pixels.
export function describe(run, position) {
  const { kind, step, number } = run.at(position)
  if (kind === "odds") {
    return `Seed ${number + 1} is about to be drawn. The brighter a pixel, the likelier it is drawn: `
      + "in proportion to its squared distance to the nearest seed."
  }
  if (kind === "draw") return drawn(run, number)
  if (kind === "seeds") {
    const start = Number(run.data.start) > 1 ? ` (start ${run.data.start})` : ""
    return `${count(run.k, "seed")}, ${ORIGINS[run.data.init]}${start}. No pixel belongs to a cluster `
      + "yet."
  }
  if (kind === "move") return moved(run, position, step)
  return position === run.last ? rest(run, position) : assigned(run, position, step)
}

const ORIGINS = {
  "k-means++": "drawn by k-means++",
  random: "drawn at random",
  manual: "your colours",
  dragged: "with the centroids as you left them",
}

function drawn(run, number) {
  const color = run.data.seeds[run.data.drawn[number]]
  const first = number === 0 ? " All pixels were equally likely." : ""
  const random = run.data.init === "random"
    ? " All pixels with values not yet drawn were equally likely." : ""
  return `Seed ${number + 1} of ${run.k} is drawn: ${color}.${first || random}`
}

function fall(run, position) {
  const [before, after] = [run.inertiaAt(position - 1), run.inertiaAt(position)]
  if (Number.isNaN(after)) return ""
  const now = power(after)
  if (Number.isNaN(before)) return `; inertia is now ${now}`
  return before > after ? `; inertia fell by ${fine((before - after) / before)} to ${now}`
    : `; inertia stays at ${now}`
}

// A small share needs more digits than one.
function fine(share) {
  const value = 100 * share
  return `${value >= 0.95 ? value.toFixed(1) : Number(value.toPrecision(1))}%`
}

function moved(run, position, step) {
  const far = power(run.movedTo(step))
  return `Move: each centroid went to the mean of its pixels, the furthest by ${far}`
    + `${fall(run, position)}.`
}

function assigned(run, position, step) {
  const empty = emptyOnes(run, position)
  if (step === 0) {
    return `Assign: each of ${count(run.pixels, "pixel")} joins the nearest centroid. Inertia: `
      + `${power(run.inertia[0])}.${empty}`
  }
  const pixels = run.changed[step]
  const share = percent(pixels, run.pixels)
  return `Assign: ${count(pixels, "pixel")} (${share}) changed cluster${fall(run, position)}.${empty}`
}

function emptyOnes(run, position) {
  const counts = run.countsAt(position)
  const empty = counts.flatMap((pixels, j) => pixels ? [] : [j + 1])
  if (!empty.length) return ""
  if (empty.length > 1) {
    return ` Clusters ${empty.join(", ")} are empty: they move to the colours furthest from their `
      + "nearest centroids."
  }
  return ` Cluster ${empty} is empty: it moves to the colour furthest from its nearest centroid.`
}

function rest(run, position) {
  const { data } = run
  const { converged, epsilon, best } = data
  const inertia = run.inertiaAt(position)
  const still = run.changed[run.moves] === 0 && converged
  const end = still ? "At rest: no pixel changes cluster any more. This is a local optimum"
    : converged ? `Converged: no centroid would move further than epsilon, ${epsilon}`
      : `Stopped after ${count(run.moves, "iteration")}, before it came to rest`
  const gap = inertia / best - 1
  const compared = gap > 5e-4 ? `; the inertia in Explore is ${fine(1 - best / inertia)} lower` : ""
  return `${end}. Inertia after ${count(run.moves, "move")}: ${power(inertia)}${compared}.`
}

// While a centroid is moved by hand; the counts are those of the preview.
export function describeDrag({ one, counts }, more) {
  const share = counts[one] / counts.reduce((sum, pixels) => sum + pixels, 0)
  const part = share < 5e-4 ? "less than 0.1%" : `about ${percent(share, 1)}`
  const nearest = counts[one] ? `${part} of the pixels are nearest to it` : "it is nearest to no pixel"
  return `Centroid ${one + 1} is moved: ${nearest}.${more}`
}
