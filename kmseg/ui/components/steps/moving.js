import { hexOf } from "./run.js"

// A centroid that is moved by hand, with the clusters of the preview's pixels meanwhile. `labels` and
// `counts` are undefined until it has moved; `released` is whether it was let go.
export class Moving {
  released = false

  constructor(pixels, one, centroids, palette, drawn) {
    Object.assign(this, { pixels, one, centroids: centroids.slice(), palette })
    this.others = pixels.withoutOne(this.centroids, one, drawn)
  }

  move(point) {
    const { pixels, centroids, palette, one } = this
    centroids.set(point, 3 * one)
    this.labels = pixels.withOneAt(this.others, point)
    const { counts, means } = pixels.totals(this.labels, palette.length)
    this.counts = counts
    this.palette = means.map((mean, j) => mean ? hexOf(mean) : palette[j])
  }

  // The centroids as a link has them: in hundredths of a unit, see Start.parse in records.py.
  get start() {
    const { centroids, pixels: { d } } = this
    return this.palette.map((_, j) => (
      [...centroids.subarray(3 * j, 3 * j + d)].map(value => Math.round(100 * value)).join(".")
    )).join("_")
  }
}
