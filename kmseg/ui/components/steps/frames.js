import { rgb } from "../shared/colors.js"
import { describe, stepName } from "./words.js"

const MOST_REMEMBERED = 48 // steps whose labels are kept

// Makes what the viewer shows at each position of a run.
export class Frames {
  labels = new Map() // step -> labels by color

  constructor(run, pixels, segmentation) {
    Object.assign(this, { run, pixels, segmentation })
  }

  // Where the seeds' colors are in the picture.
  get places() {
    return this.found ??= this.run.data.seeds.map(color => this.pixels.find(rgb(color)))
  }

  labelsOf(step) {
    const found = this.labels.get(step) ?? this.assign(step)
    this.labels.delete(step)
    this.labels.set(step, found)
    if (this.labels.size > MOST_REMEMBERED) this.labels.delete(this.labels.keys().next().value)
    return found
  }

  assign(step) {
    const { run, pixels } = this
    return pixels.label(run.centroidsOf(step), run.data.drawn)
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
      ...this.blank(stepName(run, position), describe(run, position)),
      palette: run.paletteAt(position),
      counts: run.countsAt(position),
    }
    const { kind, step } = run.at(position)
    const labels = this.labelsAt(position)
    if (labels) {
      frame.labels = pixels.byPixel(labels)
      if (flashes && kind === "assign" && step > 0) {
        frame.changed = pixels.changed(this.labelsOf(step - 1), labels)
      }
      return frame
    }
    const drawn = run.drawnAt(position)
    frame.rgba = kind === "odds" ? pixels.heat(pixels.odds(this.seeds(drawn))) : pixels.rgba
    frame.marks = drawn.map(j => (
      { ...this.places[j], name: String(j + 1), color: run.data.seeds[j] }
    ))
    return frame
  }

  // The centroids of some seeds.
  seeds(drawn) {
    const all = this.run.centroidsOf(0)
    return Float64Array.from(drawn.flatMap(j => [...all.subarray(3 * j, 3 * j + 3)]))
  }

  // While a centroid is moved by hand: clusters in the mean colors of their pixels here.
  moving({ labels, palette, counts }, sentence) {
    const frame = this.blank("A centroid is moved", sentence)
    return { ...frame, labels: this.pixels.byPixel(labels), palette, counts }
  }

  blank(caption, sentence) {
    const { segmentation, pixels: { width, height } } = this
    const empty = { labels: null, rgba: null, palette: [], counts: null, changed: null, marks: [] }
    return { segmentation, width, height, ...empty, caption, sentence }
  }
}
