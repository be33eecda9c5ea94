import { rgb } from "../shared/colors.js"
import { describe } from "./words.js"

const MOST_REMEMBERED = 48 // steps whose labels are kept

// Makes what the viewer shows at each position of a run.
export class Frames {
  labels = new Map() // step -> labels by color

  constructor(run, pixels, segmentation) {
    Object.assign(this, { run, pixels, segmentation })
    this.places = run.data.seeds.map(color => pixels.find(rgb(color)))
  }

  labelsOf(step) {
    const found = this.labels.get(step) ?? this.pixels.label(this.run.centroidsOf(step))
    this.labels.delete(step)
    this.labels.set(step, found)
    if (this.labels.size > MOST_REMEMBERED) this.labels.delete(this.labels.keys().next().value)
    return found
  }

  // Labels by color at a position; null before the first assignment.
  labelsAt(position) {
    const step = this.run.assigned(position)
    return step < 0 ? null : this.labelsOf(step)
  }

  // flashes: whether pixels that changed cluster flash
  at(position, flashes) {
    const { run, pixels } = this
    const frame = {
      ...this.blank(describe(run, position)),
      palette: run.paletteAt(position),
      counts: run.countsAt(position),
    }
    const { kind, step, number } = run.at(position)
    const labels = this.labelsAt(position)
    if (labels) {
      frame.labels = pixels.byPixel(labels)
      if (flashes && kind === "assign" && step > 0) {
        frame.changed = pixels.changed(this.labelsOf(step - 1), labels)
      }
      return frame
    }
    frame.rgba = kind === "odds" ? pixels.heat(pixels.odds(this.seedsBefore(number))) : pixels.rgba
    const shown = kind === "seeds" ? run.k : kind === "draw" ? number + 1 : number
    frame.marks = this.marks(shown)
    return frame
  }

  // Centroids of the first seeds, in the order in which they were drawn.
  seedsBefore(number) {
    const all = this.run.centroidsOf(0)
    const drawn = this.run.data.drawn.slice(0, number)
    return Float64Array.from(drawn.flatMap(j => [...all.subarray(3 * j, 3 * j + 3)]))
  }

  marks(count) {
    const { seeds, drawn } = this.run.data
    return drawn.slice(0, count).map(j => ({ ...this.places[j], name: String(j + 1), color: seeds[j] }))
  }

  // While a centroid is dragged: clusters in the mean colors of their pixels here.
  dragged(labels, palette, counts, caption) {
    return { ...this.blank(caption), labels: this.pixels.byPixel(labels), palette, counts }
  }

  blank(caption) {
    const { segmentation, pixels: { width, height } } = this
    return {
      segmentation, width, height, labels: null, rgba: null, palette: [], counts: null, changed: null,
      marks: [], caption,
    }
  }
}
