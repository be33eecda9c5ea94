import { focus } from "../shared/focus.js"
import { percent } from "../shared/helpers.js"
import { inkOn, rgb } from "../shared/colors.js"
import { overlay } from "../shared/overlay.js"

const TOUCH = matchMedia("(hover: none)")

const PAINTED = {
  colors: "painted in mean colours",
  gray: "black is the largest",
  boundaries: "their boundaries over the original",
}

const several = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`
const sum = numbers => numbers.reduce((total, number) => total + number, 0)
const share = (pixels, data) => percent(pixels, sum(data.counts))
const ofPixels = ({ counts }, i) => counts ? `, ${percent(counts[i], sum(counts))}` : ""

// A button for each group. On one line, widths show pixel counts.
export function showSwatches(root, data) {
  const strip = root.querySelector(".swatches")
  const before = strip.children.length
  while (strip.children.length > data.groups.length) strip.lastChild.remove()
  data.groups.forEach((_, i) => {
    const button = strip.children[i] ?? strip.appendChild(document.createElement("button"))
    const title = `Cluster ${data.names[i]}, ${data.colors[i]}${ofPixels(data, i)}`
    button.type = "button"
    button.textContent = data.names[i]
    button.title = `${title}: put in focus`
    button.setAttribute("aria-label", button.title)
    button.style.setProperty("--share", data.counts ? 100 * data.counts[i] / sum(data.counts) : 1)
    button.style.setProperty("--color", data.colors[i])
    button.style.color = inkOn(rgb(data.colors[i]))
  })
  if (data.groups.length !== before) arrangeSwatches(root)
}

// If the swatches do not fit on one line, divide them evenly among the fewest lines.
export function arrangeSwatches(root) {
  const strip = root.querySelector(".swatches")
  const { children: { length }, clientWidth } = strip
  if (!length || !clientWidth) return
  const least = parseFloat(getComputedStyle(strip.firstElementChild).minWidth)
  const gap = parseFloat(getComputedStyle(strip).columnGap)
  const lines = Math.ceil(length / Math.floor((clientWidth + gap) / (least + gap)))
  strip.classList.toggle("lines", lines > 1)
  strip.style.setProperty("--in-line", Math.ceil(length / lines))
}

// Show which groups are in focus, and enable the actions for them.
export function showFocus(root, data) {
  const some = focus.clusters.size > 0
  const chosen = [...data.groups.keys()].filter(i => focus.has(data.groups[i]))
  const merged = chosen.some(i => data.groups[i].length > 1)
  root.classList.toggle("some", some)
  root.querySelector(".focused").textContent = some ? inFocus(data, chosen) : invitation(data)
  root.querySelector(".actions").hidden = !some
  root.querySelector("[data-do=merge]").hidden = chosen.length < 2
  root.querySelector("[data-do=split]").hidden = !merged
  root.querySelectorAll(".swatches button").forEach((button, i) => {
    button.setAttribute("aria-pressed", String(focus.has(data.groups[i])))
  })
}

function inFocus(data, chosen) {
  const names = chosen.map(i => data.names[i])
  const focused = `In focus: cluster${names.length === 1 ? "" : "s"} ${names.join(", ")}`
  if (!data.counts) return focused
  const pixels = sum(chosen.map(i => data.counts[i]))
  return `${focused} · ${several(pixels, "pixel")}, ${share(pixels, data)}`
}

function invitation(data) {
  const click = TOUCH.matches ? "Tap" : "Click"
  if (overlay.regions) return `${click} a picture or a row for an object, a swatch for the objects of its cluster.`
  const pictures = data.pick
    ? `${click} the original to set a starting colour; ${click.toLowerCase()} the segmentation`
    : `${click} a picture`
  return `${pictures}, a swatch or a row to put a cluster in focus.`
}

export function showCaption(root, data, paint) {
  const caption = `${several(data.groups.length, "cluster")}, ${PAINTED[paint]}`
  root.querySelector(".caption").textContent = caption
}
