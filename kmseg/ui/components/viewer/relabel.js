import { SPACES } from "../../../color/spaces.js"
import { fetchFrom } from "./fetching.js"

const TRANSPARENT = 255 // label of a pixel that belongs to no cluster
const SLICE = 5000 // colors that are converted before other work of the page has its turn
const CALM = 500 // milliseconds after a control was last used
const POLL = 100 // milliseconds

const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

// Whether the visitor uses a control, or waits for an answer. What is fetched in the background
// stops at once then, so that it does not compete with the answer.
const use = { pressed: false, waiting: false, last: -Infinity, background: new Set() }

function note(change) {
  Object.assign(use, change, { last: performance.now() })
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

// Finds the preview's labels without the server, once it holds the preview's exact pixels. They are
// fetched in stripes when nothing else is on its way, and nobody is using a control.
export class Relabeller {
  urgent = 0 // transfers that go first

  // Whether it holds the pixels of an address.
  holds(pixels) {
    return this.colors !== undefined && this.source === pixels
  }

  // Let other transfers go first until the returned function is called.
  pause() {
    this.urgent++
    for (const controller of use.background) controller.abort()
    return () => this.urgent--
  }

  // Fetch the pixels that a message names and convert their colors, unless it is done.
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
      if (this.source === pixels) this.source = undefined // so that the next message tries again
      throw error
    }
    Object.assign(this, distinctColors(rgba), { rgba, width, height, columns: {} })
  }

  async fetchStripe(pixels, i) {
    while (this.source === pixels) {
      while (this.urgent || !isCalm()) await sleep(POLL)
      const controller = new AbortController()
      use.background.add(controller)
      try {
        return await readPixels(await fetchFrom(`${pixels}/${i}`, controller.signal))
      } catch (error) {
        if (!controller.signal.aborted) throw error
      } finally {
        use.background.delete(controller)
      }
    }
  }

  // Convert the colors into a space: three columns, those that it lacks filled with zeros.
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

  // Labels by the nearest centroid; null if it lacks what that needs, or finds other labels than
  // the server, because a library rounds otherwise.
  label(nearest, space) {
    const { centroids, checksum } = nearest
    const converted = this.holds(nearest.pixels) && this.columns[space]
    if (!converted) return null
    const zeros = new Float64Array(nearest.columns.length < 3 ? this.colors.length : 0)
    const columns = [0, 1, 2].map(d => converted[nearest.columns[d]] ?? zeros)
    const byColor = assign(columns, centroids, this.colors.length)
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

// Pixels of a picture as the server sent them: its values must not be converted for the screen.
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

// The distinct colors, and for each pixel the number of its color from 1; 0 where it has none.
function distinctColors(rgba) {
  const bits = 32 - Math.clz32(rgba.length) + 1
  const slots = new Uint32Array(1 << bits) // number of a color, or 0, by the color's hash
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

// The label of each color, by its number from 1: the first of the nearest centroids. The sums are
// made in the order of kmeans/nearest.py, so that they are the same to the last bit.
function assign([x, y, z], centroids, count) {
  const labels = new Uint8Array(count + 1)
  labels[0] = TRANSPARENT
  const flat = Float64Array.from(centroids.flatMap(([a = 0, b = 0, c = 0]) => [a, b, c]))
  for (let i = 0; i < count; i++) {
    let least = Infinity
    let nearest = 0
    for (let j = 0; j < flat.length; j += 3) {
      const [dx, dy, dz] = [x[i] - flat[j], y[i] - flat[j + 1], z[i] - flat[j + 2]]
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
