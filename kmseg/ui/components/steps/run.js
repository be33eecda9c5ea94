const UNKNOWN = "#8c8c8c" // color of a cluster whose seed is not drawn yet

const hexOf = values => `#${values.map(value => value.toString(16).padStart(2, "0")).join("")}`

// A run of k-means as positions on a line: the draws of the seeds, if any, are negative; 0 is the
// seeds; then odd positions assign pixels and even ones move centroids, up to `last`, at rest. Steps
// are numbered by their moves: the assignment of step s is at 2 s + 1, and the move to it at 2 s.
export class Run {
  constructor(trace, data) {
    Object.assign(this, trace, { data })
    this.pixels = 0
    for (let j = 0; j < this.k; j++) this.pixels += this.counts[j]
    this.draws = drawsOf(data)
    this.first = -this.draws.length
    this.last = 2 * this.moves + 1
  }

  // { kind, step }, or { kind, number } for draws, where `number` counts seeds from 0.
  at(position) {
    if (position < 0) return this.draws[position - this.first]
    if (position === 0) return { kind: "seeds", step: 0 }
    const kind = position % 2 ? "assign" : "move"
    return { kind, step: Math.floor(position / 2) }
  }

  // The clusters whose seeds are there at a position, in the order in which they were drawn.
  drawnAt(position) {
    const { kind, number } = this.at(position)
    const count = kind === "odds" ? number : kind === "draw" ? number + 1 : this.k
    return this.data.drawn.slice(0, count)
  }

  // The step whose assignment is shown at a position, or -1 before the first.
  assigned(position) {
    return position > 0 ? Math.floor((position - 1) / 2) : -1
  }

  // Centroids of a step, three values each; missing coordinates are 0.
  centroidsOf(step) {
    const { k, d, centroids } = this
    const flat = new Float64Array(3 * k)
    for (let j = 0; j < k; j++) {
      for (let c = 0; c < d; c++) flat[3 * j + c] = centroids[(step * k + j) * d + c]
    }
    return flat
  }

  centroidsAt(position) {
    return this.centroidsOf(Math.max(Math.floor(position / 2), 0))
  }

  countsAt(position) {
    const step = this.assigned(position)
    return step < 0 ? null : [...this.counts.subarray(step * this.k, (step + 1) * this.k)]
  }

  // Colors of the clusters: those of the seeds until centroids move; then the mean colors of the
  // pixels that were assigned when the centroids last moved; at rest, of their last pixels; and
  // after a drag, of the pixels that are nearest now, as during the drag.
  paletteAt(position) {
    const dragged = position === 1 && this.data.init === "dragged"
    const step = dragged ? 0 : position === this.last ? this.moves : Math.floor(position / 2) - 1
    if (step < 0) {
      const drawn = this.drawnAt(position)
      return this.data.seeds.map((color, j) => drawn.includes(j) ? color : UNKNOWN)
    }
    const at = j => 3 * (step * this.k + j)
    return Array.from({ length: this.k }, (_, j) => hexOf([...this.palette.subarray(at(j), at(j) + 3)]))
  }

  // Inertia at a position from 1; NaN if unknown.
  inertiaAt(position) {
    return position % 2 ? this.inertia[(position - 1) / 2] : this.afterMove[position / 2 - 1]
  }

  // The furthest move of a centroid to a step.
  movedTo(step) {
    const [before, after] = [this.centroidsOf(step - 1), this.centroidsOf(step)]
    const moves = Array.from({ length: this.k }, (_, j) => (
      Math.hypot(...[0, 1, 2].map(c => after[3 * j + c] - before[3 * j + c]))
    ))
    return Math.max(...moves)
  }
}

// What is shown before step 0, if the seeds were drawn.
function drawsOf({ init, seeds }) {
  if (init !== "k-means++" && init !== "random") return []
  return seeds.flatMap((_, number) => (
    init === "k-means++" && number ? [{ kind: "odds", number }, { kind: "draw", number }]
      : [{ kind: "draw", number }]
  ))
}

export { hexOf }
