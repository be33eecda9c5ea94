import { assign } from "../viewer/relabel.js"

const N_SAMPLES = 3000 // pixels that the cloud shows

// The preview's pixels in the coordinates that are clustered. Labels "by color" begin with that of
// transparent pixels; the label of color number n is at n. Centroids are flat, three values each.
export class Pixels {
  // `source` is the relabeller; `columns` of the coordinates of a space are clustered.
  constructor(source, space, columns) {
    const { colors, numbers, width, height, rgba } = source
    Object.assign(this, { colors, numbers, width, height, rgba, d: columns.length })
    this.origin = `${source.source} ${space} ${columns}`
    this.columns = source.selected(space, columns)
    this.weights = new Uint32Array(colors.length + 1) // pixels of each color
    for (let i = 0; i < numbers.length; i++) this.weights[numbers[i]]++
    this.total = numbers.length - this.weights[0]
    this.weights[0] = 0
    this.samples = this.sample()
  }

  // Whether these are the pixels that the relabeller has.
  are(source, space, columns) {
    return this.origin === `${source.source} ${space} ${columns}`
  }

  // Numbers of the colors of pixels that are spread evenly over the picture.
  sample() {
    const opaque = this.numbers.filter(number => number > 0)
    const count = Math.min(N_SAMPLES, opaque.length)
    return Uint32Array.from({ length: count }, (_, i) => opaque[Math.floor(i * opaque.length / count)])
  }

  // Of equally near centroids, a color takes the one that comes first in `drawn`.
  label(centroids, drawn) {
    const { columns } = this
    const ordered = Float64Array.from(drawn.flatMap(j => [...centroids.subarray(3 * j, 3 * j + 3)]))
    const numbers = Uint8Array.from({ length: 256 }, (_, i) => drawn[i] ?? i)
    const labels = assign(columns, ordered)
    for (let i = 0; i < labels.length; i++) labels[i] = numbers[labels[i]]
    return labels
  }

  byPixel(byColor) {
    const { numbers } = this
    const labels = new Uint8Array(numbers.length)
    for (let i = 0; i < labels.length; i++) labels[i] = byColor[numbers[i]]
    return labels
  }

  // 1 for each pixel whose label differs.
  changed(before, after) {
    const { numbers } = this
    const changed = new Uint8Array(numbers.length)
    for (let i = 0; i < changed.length; i++) changed[i] = Number(before[numbers[i]] !== after[numbers[i]])
    return changed
  }

  // Pixels and mean color, [r, g, b], of each cluster; null for the color of an empty cluster.
  totals(byColor, k) {
    const { colors, weights } = this
    const counts = Array.from({ length: k }, () => 0)
    const sums = new Float64Array(3 * k)
    for (let i = 0; i < colors.length; i++) {
      const label = byColor[i + 1]
      const weight = weights[i + 1]
      const color = colors[i]
      counts[label] += weight
      sums[3 * label] += weight * (color & 255)
      sums[3 * label + 1] += weight * (color >>> 8 & 255)
      sums[3 * label + 2] += weight * (color >>> 16 & 255)
    }
    const means = counts.map((count, j) => (
      count ? [0, 1, 2].map(c => Math.round(sums[3 * j + c] / count)) : null
    ))
    return { counts, means }
  }

  // The nearest of all centroids but one, and the squared distance to it, of each color.
  withoutOne(centroids, one, drawn) {
    const wins = drawn.map((_, j) => drawn.indexOf(one) < drawn.indexOf(j))
    const others = centroids.slice()
    others.fill(Infinity, 3 * one, 3 * one + 3)
    const labels = this.label(others, drawn)
    return { labels, distances: this.distances(others, labels), one, wins }
  }

  // Labels if the left-out centroid is at a point.
  withOneAt({ labels, distances, one, wins }, [px, py, pz]) {
    const [x, y, z] = this.columns
    const moved = labels.slice()
    for (let i = 0; i < x.length; i++) {
      const [dx, dy, dz] = [x[i] - px, y[i] - py, z[i] - pz]
      const distance = dx * dx + dy * dy + dz * dz
      if (distance < distances[i] || (distance === distances[i] && wins[labels[i + 1]])) {
        moved[i + 1] = one
      }
    }
    return moved
  }

  // The squared distance of each color to the centroid of its label.
  distances(centroids, labels) {
    const [x, y, z] = this.columns
    const distances = new Float64Array(x.length)
    for (let i = 0; i < x.length; i++) {
      const j = 3 * labels[i + 1]
      const [dx, dy, dz] = [x[i] - centroids[j], y[i] - centroids[j + 1], z[i] - centroids[j + 2]]
      distances[i] = dx * dx + dy * dy + dz * dz
    }
    return distances
  }

  // Each color's odds of being drawn by k-means++ as the next seed, relative to the likeliest: its
  // squared distance to the nearest of the seeds so far (Arthur & Vassilvitskii 2007).
  odds(seeds) {
    const distances = this.distances(seeds, assign(this.columns, seeds))
    const most = distances.reduce((max, distance) => Math.max(max, distance), 0)
    return most ? distances.map(distance => distance / most) : distances
  }

  // Packed pixels that show odds as a heat map: black, red, yellow, white.
  heat(odds) {
    const ramp = new Uint32Array(odds.length + 1)
    odds.forEach((value, i) => {
      const [r, g, b] = [0, 1, 2].map(c => Math.round(255 * Math.min(Math.max(3 * value ** 0.5 - c, 0), 1)))
      ramp[i + 1] = (255 << 24 | b << 16 | g << 8 | r) >>> 0
    })
    return Uint32Array.from(this.numbers, number => ramp[number])
  }

  // A pixel of the color that is nearest to a color [r, g, b], as fractions of width and height.
  find([r, g, b]) {
    const { colors, numbers, width, height } = this
    let least = Infinity
    let nearest = 0
    for (let i = 0; i < colors.length; i++) {
      const color = colors[i]
      const dr = r - (color & 255)
      const dg = g - (color >>> 8 & 255)
      const db = b - (color >>> 16 & 255)
      const distance = dr * dr + dg * dg + db * db
      if (distance < least) {
        least = distance
        nearest = i + 1
      }
    }
    const i = numbers.indexOf(nearest)
    return { x: (i % width + 0.5) / width, y: (Math.floor(i / width) + 0.5) / height }
  }
}
