import { add, makeSvg } from "../shared/svg.js"
import { decimal, whole } from "./columns.js"
import { Range, linear, logarithmic } from "./range.js"

const N_BINS = 40
const HEIGHT = 36

// Which objects are kept: by area, eccentricity, perimeter, and whether they touch the border.
export class Filters {
  constructor(root, signal, changed) {
    this.root = root.querySelector(".filters")
    const settings = {
      area: { title: "Area", scale: logarithmic, round: Math.round, text: whole },
      perimeter: {
        title: "Perimeter", scale: logarithmic,
        round: value => Number(value.toPrecision(3)), text: value => decimal(value, value < 10 ? 1 : 0),
      },
      eccentricity: {
        title: "Eccentricity", scale: linear,
        round: value => Math.round(100 * value) / 100, text: value => decimal(value, 2),
      },
    }
    this.ranges = {}
    for (const [name, setting] of Object.entries(settings)) {
      const range = new Range(signal, { ...setting, changed })
      this.ranges[name] = range
      this.root.querySelector(".ranges").append(range.element)
    }
    this.histogram = makeSvg(N_BINS, HEIGHT, "Histogram of areas")
    this.histogram.setAttribute("preserveAspectRatio", "none")
    this.ranges.area.track.prepend(this.histogram)
    this.border = this.root.querySelector("input[type=checkbox]")
    this.border.addEventListener("change", changed, { signal })
    this.clearing = this.root.querySelector(".clear")
    this.clearing.addEventListener("click", () => {
      Object.values(this.ranges).forEach(range => range.clear())
      this.border.checked = false
      changed()
    }, { signal })
    this.root.open = innerWidth > 640
  }

  setObjects(objects) {
    this.objects = objects
    const { area, perimeter, eccentricity } = this.ranges
    area.setEnds(...ends(objects.area))
    this.bins = Uint8Array.from(objects.area, value => (
      Math.min(Math.floor(area.position(value) * N_BINS), N_BINS - 1)
    ))
    perimeter.setEnds(1, Math.max(ends(objects.perimeter)[1], 1)) // a single pixel has none
    eccentricity.setEnds(0, 1)
  }

  // 1 for each object that is kept.
  get kept() {
    const { objects, ranges, border } = this
    const kept = new Uint8Array(objects.n).fill(1)
    for (const [name, range] of Object.entries(ranges)) {
      if (!range.limits) continue
      const values = objects[name]
      for (let i = 0; i < kept.length; i++) if (!range.has(values[i])) kept[i] = 0
    }
    if (border.checked) for (let i = 0; i < kept.length; i++) if (objects.touches[i]) kept[i] = 0
    this.showState()
    return kept
  }

  showState() {
    const n = Object.values(this.ranges).filter(range => range.limits).length + this.border.checked
    this.root.querySelector("summary").textContent = n ? `Filters (${n} set)` : "Filters"
    this.clearing.hidden = n === 0
  }

  // Show the areas of the listed clusters: how many objects are in each bin, on a square root scale.
  drawHistogram(isListed) {
    const { objects, histogram, bins } = this
    const counts = new Uint32Array(N_BINS)
    for (let i = 0; i < objects.n; i++) if (isListed[objects.cluster[i]]) counts[bins[i]]++
    const most = Math.max(...counts, 1)
    histogram.replaceChildren()
    counts.forEach((n, x) => {
      const height = HEIGHT * Math.sqrt(n / most)
      if (n) add(histogram, "rect", { x: x + 0.08, y: HEIGHT - height, width: 0.84, height })
    })
    histogram.ariaLabel = `Histogram of areas: ${whole(counts.reduce((sum, n) => sum + n, 0))} objects`
  }
}

function ends(values) {
  let [low, high] = [Infinity, 1]
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return [Math.min(low, high), high]
}
