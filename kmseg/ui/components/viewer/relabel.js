import { SPACES } from "../../../color/spaces.js"
import { fetchFrom } from "./fetching.js"
import { sleep } from "../shared/helpers.js"

const TRANSPARENT = 255 // label of a pixel without a cluster
const SLICE = 5000 // colors that are converted before yielding to the event loop
const CALM = 500 // milliseconds after a control was last used
const POLL = 100 // milliseconds

// State of user input. Background transfers are aborted when a control is used or an answer is
// pending, so that they do not compete with the answer.
const use = { pressed: false, waiting: false, last: -Infinity, background: new Set() }

function note(change) {
  Object.assign(use, change, { last: performance.now() })
  stopBackground()
}

function stopBackground() {
  for (const controller of use.background) controller.abort()
}

for (const [name, changeOf] of [
  ["pointerdown", () => ({ pressed: true })],
  ["pointerup", () => ({ pressed: false })],
  ["pointercancel", () => ({ pressed: false })],
  ["keydown", () => ({})],
  ["kmseg:updating", ({ detail }) => ({ waiting: detail })],
]) addEventListener(name, event => note(changeOf(event)), { capture: true, passive: true })

const isCalm = () => !use.pressed && !use.waiting && performance.now() > use.last + CALM

// Computes the preview's labels without the server, once it has the preview's exact pixels. They are
// fetched in stripes, while there is no other transfer and no input unless they are needed at once.
class Relabeller {
  urgent = 0 // number of transfers that have priority
  needed = null // address of the pixels that are needed at once

  // Whether it has the pixels of an address.
  holds(pixels) {
    return this.colors !== undefined && this.source === pixels
  }

  // Give other transfers priority until the returned function is called.
  pause() {
    this.urgent++
    stopBackground()
    return () => this.urgent--
  }

  // Fetch pixels at once and convert their colors; resolves when the converted colors are there.
  async demand(nearest, preview, space) {
    this.needed = nearest.pixels
    await this.hold(nearest, preview, space)
  }

  // Fetch a message's pixels and convert their colors, unless this is already done.
  async hold(nearest, preview, space) {
    const { pixels, stripes } = nearest
    if (this.source !== pixels) {
      Object.assign(this, { source: pixels, colors: undefined })
      this.holding = this.fetchPixels(pixels, stripes, preview)
    }
    await this.holding
    if (this.holds(pixels)) await this.convert(space)
  }

  async fetchPixels(pixels, stripes, { width, height }) {
    const rgba = new Uint32Array(width * height)
    try {
      for (let i = 0; i < stripes; i++) {
        const [top, bottom] = [i, i + 1].map(number => Math.floor(number * height / stripes))
        const stripe = top < bottom && await this.fetchStripe(pixels, i)
        if (this.source !== pixels) return
        if (stripe) rgba.set(stripe, top * width)
      }
    } catch (error) {
      if (this.source === pixels) this.source = undefined // the next message tries again
      throw error
    }
    Object.assign(this, distinctColors(rgba), { rgba, width, height, columns: {} })
  }

  async fetchStripe(pixels, i) {
    while (this.source === pixels) {
      const isNeeded = () => this.needed === pixels
      while (!isNeeded() && (this.urgent || !isCalm())) await sleep(POLL)
      const controller = new AbortController()
      if (!isNeeded()) use.background.add(controller)
      try {
        return await readPixels(await fetchFrom(`${pixels}/${i}`, controller.signal))
      } catch (error) {
        if (!controller.signal.aborted) throw error
      } finally {
        use.background.delete(controller)
      }
    }
  }

  // Convert the colors into a space: three columns, padded with zeros.
  async convert(space) {
    const { colors, columns } = this
    if (columns[space]) return
    const convert = SPACES[space]
    const made = [0, 1, 2].map(() => new Float64Array(colors.length))
    for (let i = 0; i < colors.length; i++) {
      const color = colors[i]
      const values = convert([color & 255, color >>> 8 & 255, color >>> 16 & 255])
      for (let d = 0; d < values.length; d++) made[d][i] = values[d]
      if (i % SLICE === SLICE - 1) await sleep(0)
    }
    columns[space] = made
  }

  // Three columns of the colors' coordinates, those that are clustered first; then zeros.
  selected(space, columns) {
    const zeros = new Float64Array(columns.length < 3 ? this.colors.length : 0)
    return [0, 1, 2].map(d => this.columns[space][columns[d]] ?? zeros)
  }

  // Labels by the nearest centroid; null if data is missing or the checksum differs from the
  // server's, which different rounding may cause.
  label(nearest, space) {
    const { centroids, checksum } = nearest
    if (!this.holds(nearest.pixels) || !this.columns[space]) return null
    const byColor = assign(this.selected(space, nearest.columns), flatten(centroids))
    const { numbers, width, height } = this
    const labels = new Uint8Array(numbers.length)
    let sum = 0
    for (let i = 0; i < labels.length; i++) {
      labels[i] = byColor[numbers[i]]
      sum = Math.imul(31, sum) + labels[i] | 0
    }
    return sum >>> 0 === checksum ? { width, height, labels } : null
  }

  // [r, g, b] of a pixel of the preview.
  colorAt(x, y) {
    const color = this.rgba[y * this.width + x]
    return [color & 255, color >>> 8 & 255, color >>> 16 & 255]
  }
}

// A picture's pixels exactly as sent by the server, without color conversion.
async function readPixels(response) {
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" }
  const bitmap = await createImageBitmap(await response.blob(), options)
  const canvas = document.createElement("canvas")
  canvas.width = bitmap.width
  canvas.height = bitmap.height
  const context = canvas.getContext("2d", { willReadFrequently: true })
  context.drawImage(bitmap, 0, 0)
  return new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer)
}

// The distinct colors, and each pixel's color number from 1; 0 for transparent pixels.
function distinctColors(rgba) {
  const bits = 32 - Math.clz32(rgba.length) + 1
  const slots = new Uint32Array(1 << bits) // hash table: the color's number, or 0 if free
  const mask = slots.length - 1
  const colors = new Uint32Array(rgba.length)
  const numbers = new Uint32Array(rgba.length)
  let count = 0
  for (let i = 0; i < rgba.length; i++) {
    const color = rgba[i]
    if (color >>> 24 === 0) continue
    let slot = Math.imul(color, 0x9e3779b1) >>> (32 - bits)
    while (slots[slot] && colors[slots[slot] - 1] !== color) slot = (slot + 1) & mask
    if (!slots[slot]) {
      colors[count] = color
      slots[slot] = ++count
    }
    numbers[i] = slots[slot]
  }
  return { colors: colors.slice(0, count), numbers }
}

const flatten = centroids => (
  Float64Array.from(centroids.flatMap(([a = 0, b = 0, c = 0]) => [a, b, c]))
)

// The label of each color, by its number from 1: the nearest of the centroids, given as three
// coordinates each; ties go to the first. Sums are added in the same order as in kmeans/nearest.py,
// so that they agree to the last bit.
function assign([x, y, z], centroids) {
  const labels = new Uint8Array(x.length + 1)
  labels[0] = TRANSPARENT
  for (let i = 0; i < x.length; i++) {
    let least = Infinity
    let nearest = 0
    for (let j = 0; j < centroids.length; j += 3) {
      const dx = x[i] - centroids[j]
      const dy = y[i] - centroids[j + 1]
      const dz = z[i] - centroids[j + 2]
      const distance = dx * dx + dy * dy + dz * dz
      if (distance < least) {
        least = distance
        nearest = j
      }
    }
    labels[i + 1] = nearest / 3
  }
  return labels
}

export const relabeller = new Relabeller()
export { assign }
