import { address } from "../shared/address.js"
import { pack } from "./colors.js"

const BOUNDARY = pack([255, 255, 255])
const BOUNDARY_EDGE = pack([0, 0, 0])

// Pixel values of an indexed PNG as Python writes it: 8 bits, no row filters, one IDAT chunk. It
// does not go through a canvas, because browsers may add noise there against fingerprinting.
export async function readLabels(url) {
  const response = await fetch(address(url))
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  const bytes = new Uint8Array(await response.arrayBuffer())
  const view = new DataView(bytes.buffer)
  const chunks = {}
  for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at)) {
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    chunks[name] = bytes.subarray(at + 8, at + 8 + view.getUint32(at))
  }
  const [width, height] = [view.getUint32(16), view.getUint32(20)]
  const stream = new Blob([chunks.IDAT]).stream().pipeThrough(new DecompressionStream("deflate"))
  const rows = new Uint8Array(await new Response(stream).arrayBuffer())
  const labels = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    labels.set(rows.subarray(y * (width + 1) + 1, (y + 1) * (width + 1)), y * width)
  }
  return { width, height, labels }
}

// Paint each pixel in the color of its label; `colors` holds 256 packed RGBA values.
export function paintLabels(canvas, { width, height, labels }, colors) {
  const image = new ImageData(width, height)
  const out = new Uint32Array(image.data.buffer)
  for (let i = 0; i < out.length; i++) out[i] = colors[labels[i]]
  show(canvas, image)
}

// Paint the pixels whose right or lower neighbour belongs to another group, light with dark edges so
// that they show on any picture. A line is about a pixel wide on the screen.
export function paintBoundaries(canvas, { width, height, labels }, groupOf) {
  const image = new ImageData(width, height)
  const out = new Uint32Array(image.data.buffer)
  const shown = canvas.getBoundingClientRect().width * devicePixelRatio
  const reduction = width / (shown || width)
  const line = reduction < 2 ? 1 : Math.ceil(reduction) // browsers blur what they halve
  const found = []
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const group = groupOf[labels[i]]
      const right = x + 1 < width && groupOf[labels[i + 1]] !== group
      const below = y + 1 < height && groupOf[labels[i + width]] !== group
      if (right || below) found.push(i)
    }
  }
  // Squares from `before` pixels to the left of and above each to `after` to the right and below.
  const stamp = (before, after, color) => {
    for (const i of found) {
      const x = i % width
      const y = (i - x) / width
      const [left, right] = [Math.max(x - before, 0), Math.min(x + after + 1, width)]
      for (let row = Math.max(y - before, 0); row <= Math.min(y + after, height - 1); row++) {
        out.fill(color, row * width + left, row * width + right)
      }
    }
  }
  stamp(1, line, BOUNDARY_EDGE)
  stamp(0, line - 1, BOUNDARY)
  show(canvas, image)
}

function show(canvas, image) {
  canvas.width = image.width
  canvas.height = image.height
  canvas.getContext("2d").putImageData(image, 0, 0)
}
