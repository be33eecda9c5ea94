import { inkOn, pack, rgb } from "../shared/colors.js"

const MARGIN = 16 // CSS pixels
const RADIUS = 11
const POINT = 2
const CELL = 2 // side of the cells in which the nearest centroid is found for boundaries
const TINT = 56 // opacity of the regions, of 255, and of their edges
const EDGE = 150
const BINS = 120
const FINEST = 2 // cap on device pixels per CSS pixel

// Draws two coordinates of the colors on a canvas, at equal scales: a sample of the picture's pixels,
// the centroids with their trails, and, if no other coordinate is clustered, each centroid's region.
// A single coordinate is drawn as a histogram.
export class Plane {
  constructor(canvas) {
    this.canvas = canvas
    this.context = canvas.getContext("2d")
    this.cells = document.createElement("canvas")
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
  // shown: the clusters whose centroids are drawn
  draw({ centroids, palette, labels, trail, shown, chosen }) {
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
    const order = shown.toSorted((a, b) => (a === chosen) - (b === chosen))
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
    const { context, cells } = this
    const [columns, rows] = [this.width, this.height].map(side => Math.ceil(side / CELL))
    const image = new ImageData(columns, rows)
    const out = new Uint32Array(image.data.buffer)
    const regions = new Uint8Array(columns * rows)
    const places = palette.map((_, j) => this.place(centroids, 3 * j))
    const tints = palette.map(color => pack(rgb(color), TINT))
    const edge = pack(this.ink.match(/\d+/g).slice(0, 3).map(Number), EDGE)
    for (let i = 0; i < out.length; i++) {
      const column = i % columns
      const region = nearest(places, (column + 0.5) * CELL, ((i - column) / columns + 0.5) * CELL)
      const same = (!column || regions[i - 1] === region)
        && (i < columns || regions[i - columns] === region)
      regions[i] = region
      out[i] = same ? tints[region] : edge
    }
    Object.assign(cells, { width: columns, height: rows })
    cells.getContext("2d").putImageData(image, 0, 0)
    context.drawImage(cells, 0, 0, columns * CELL, rows * CELL)
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
