import { inkOn, rgb } from "../shared/colors.js"

const MARGIN = 16 // CSS pixels
const RADIUS = 11
const POINT = 2
const CELL = 3 // side of the cells in which the nearest centroid is found for boundaries
const BINS = 120
const FINEST = 2 // cap on device pixels per CSS pixel

// Draws two coordinates of the colors on a canvas, at equal scales: a sample of the picture's pixels,
// the centroids with their trails, and, if no other coordinate is clustered, each centroid's region.
// A single coordinate is drawn as a histogram.
export class Plane {
  constructor(canvas) {
    this.canvas = canvas
    this.context = canvas.getContext("2d")
  }

  // Use these axes, indices of clustered coordinates; `second` is null for a single coordinate.
  setAxes(pixels, starts, [first, second], names) {
    Object.assign(this, { pixels, first, second, names })
    this.ranges = [first, second].map(axis => axis === null ? [0, 1] : rangeOf(pixels, starts, axis))
    this.bins = second === null && histogram(pixels, this.ranges[0])
    this.scale()
  }

  // Fit the axes into the canvas; returns whether it is visible.
  scale() {
    const { canvas, ranges, second } = this
    const { clientWidth: width, clientHeight: height } = canvas
    if (!width || !height || !ranges) return false
    const density = Math.min(devicePixelRatio, FINEST)
    canvas.width = Math.round(width * density)
    canvas.height = Math.round(height * density)
    this.context.setTransform(density, 0, 0, density, 0, 0)
    const spans = ranges.map(([low, high]) => Math.max(high - low, 1e-6))
    const units = [(width - 2 * MARGIN) / spans[0], (height - 2 * MARGIN) / spans[1]]
    const unit = Math.min(...units)
    const [ux, uy] = second === null ? units : [unit, unit]
    const left = (width - ux * spans[0]) / 2
    const bottom = (height + uy * spans[1]) / 2
    Object.assign(this, { width, height, ux, uy, left, bottom })
    return true
  }

  // Canvas coordinates of a point, three values from `at` on in `flat`.
  place(flat, at = 0) {
    const { first, second, ranges, ux, uy, left, bottom, height } = this
    const x = left + (flat[at + first] - ranges[0][0]) * ux
    if (second === null) return [x, height - MARGIN]
    return [x, bottom - (flat[at + second] - ranges[1][0]) * uy]
  }

  // The point that a centroid has at canvas coordinates; other coordinates stay.
  unplace([x, y], point) {
    const { first, second, ranges, ux, uy, left, bottom } = this
    const moved = [...point]
    moved[first] = ranges[0][0] + (x - left) / ux
    if (second !== null) moved[second] = ranges[1][0] + (bottom - y) / uy
    return moved
  }

  // The centroid within `reach` of canvas coordinates, or null.
  hit(centroids, [x, y], reach) {
    let found = null
    let least = reach
    for (let j = 0; j < centroids.length / 3; j++) {
      const [cx, cy] = this.place(centroids, 3 * j)
      const distance = Math.hypot(cx - x, cy - y)
      if (distance <= least) [found, least] = [j, distance]
    }
    return found
  }

  // centroids: flat; palette: "#rrggbb" by cluster; labels: by color, or null for own colors;
  // trail: centroids of the steps so far; chosen: the centroid that is moved, or null
  draw({ centroids, palette, labels, trail, chosen }) {
    if (!this.ranges || !this.width) return
    const { context, pixels, width, height, canvas } = this
    context.clearRect(0, 0, width, height)
    this.ink = getComputedStyle(canvas).color
    if (this.second === null) this.drawBars(centroids, palette, labels)
    else {
      if (labels && pixels.d === 2) this.drawRegions(centroids, palette)
      this.drawPoints(palette, labels)
    }
    this.drawTrail(trail)
    this.drawNames()
    const order = [...palette.keys()].toSorted((a, b) => (a === chosen) - (b === chosen))
    for (const j of order) this.drawDisc(this.place(centroids, 3 * j), j, palette[j], j === chosen)
  }

  drawPoints(palette, labels) {
    const { context, pixels } = this
    const { samples, columns, colors } = pixels
    const [xs, ys] = [columns[this.first], columns[this.second]]
    const [x0, y0] = [this.left - this.ranges[0][0] * this.ux, this.bottom + this.ranges[1][0] * this.uy]
    const dot = number => context.fillRect(
      x0 + xs[number - 1] * this.ux - POINT / 2, y0 - ys[number - 1] * this.uy - POINT / 2, POINT, POINT,
    )
    if (!labels) {
      for (const number of samples) {
        const color = colors[number - 1]
        context.fillStyle = `rgb(${color & 255} ${color >>> 8 & 255} ${color >>> 16 & 255})`
        dot(number)
      }
      return
    }
    palette.forEach((color, j) => {
      context.fillStyle = color
      for (const number of samples) if (labels[number] === j) dot(number)
    })
  }

  // The regions of the plane in which each centroid is the nearest (Voronoi cells), and their edges.
  drawRegions(centroids, palette) {
    const { context, width, height } = this
    const columns = Math.ceil(width / CELL)
    const places = palette.map((_, j) => this.place(centroids, 3 * j))
    let above = new Uint8Array(columns)
    for (let y = 0; y < height; y += CELL) {
      const row = new Uint8Array(columns)
      for (let i = 0; i < columns; i++) {
        row[i] = nearest(places, i * CELL + CELL / 2, y + CELL / 2)
        const edge = (i && row[i] !== row[i - 1]) || (y && row[i] !== above[i])
        context.globalAlpha = edge ? 0.6 : 0.22
        context.fillStyle = edge ? this.ink : palette[row[i]]
        context.fillRect(i * CELL, y, CELL, CELL)
      }
      above = row
    }
    context.globalAlpha = 1
  }

  drawBars(centroids, palette, labels) {
    const { context, bins, height, width } = this
    const [low, high] = this.ranges[0]
    const most = Math.max(...bins)
    const places = palette.map((_, j) => [centroids[3 * j + this.first], 0])
    bins.forEach((count, i) => {
      const value = low + (i + 0.5) * (high - low) / BINS
      context.fillStyle = labels ? palette[nearest(places, value, 0)] : this.ink
      const bar = (height - 3 * MARGIN) * count / most
      const step = (width - 2 * MARGIN) / BINS
      context.fillRect(MARGIN + i * step, height - 2 * MARGIN - bar, step, bar)
    })
  }

  drawTrail(trail) {
    const { context } = this
    context.strokeStyle = this.ink
    context.lineWidth = 1.5
    for (let at = 0; trail.length > 1 && at < trail[0].length; at += 3) {
      context.beginPath()
      for (const centroids of trail) context.lineTo(...this.place(centroids, at))
      context.stroke()
    }
  }

  drawNames() {
    const { context, width, height, names, second } = this
    context.fillStyle = this.ink
    context.font = `600 12px ${getComputedStyle(this.canvas).fontFamily}`
    context.textAlign = "right"
    context.fillText(`${names[this.first]} →`, width - 4, height - 5)
    context.textAlign = "left"
    if (second !== null) context.fillText(`↑ ${names[second]}`, 4, 13)
  }

  drawDisc([x, y], j, color, chosen) {
    const { context } = this
    const radius = chosen ? RADIUS + 3 : RADIUS
    context.beginPath()
    context.arc(x, y, radius, 0, 2 * Math.PI)
    context.fillStyle = color
    context.fill()
    for (const [stroke, line] of [["#000", 3.5], ["#fff", 1.5]]) {
      context.strokeStyle = stroke
      context.lineWidth = line
      context.stroke()
    }
    context.fillStyle = inkOn(rgb(color))
    context.textAlign = "center"
    context.fillText(String(j + 1), x, y + 4)
  }
}

function nearest(places, x, y) {
  let found = 0
  let least = Infinity
  for (let j = 0; j < places.length; j++) {
    const distance = (places[j][0] - x) ** 2 + (places[j][1] - y) ** 2
    if (distance < least) [found, least] = [j, distance]
  }
  return found
}

function rangeOf({ samples, columns }, starts, axis) {
  let [low, high] = [Infinity, -Infinity]
  const include = value => {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  for (const number of samples) include(columns[axis][number - 1])
  for (let at = axis; at < starts.length; at += 3) include(starts[at])
  return [low, high]
}

function histogram({ columns, weights }, [low, high]) {
  const bins = new Float64Array(BINS)
  columns[0].forEach((value, i) => {
    const part = (value - low) / Math.max(high - low, 1e-6)
    bins[Math.min(Math.max(Math.floor(part * BINS), 0), BINS - 1)] += weights[i + 1]
  })
  return bins
}

// Pairs of clustered coordinates to choose from: [first, second], the default first: the two with
// the most variance, or hue as an angle, whose first two coordinates are a color wheel.
export function pairsOf(pixels, d, wheel) {
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
