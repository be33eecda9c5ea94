import { BOUNDARY, BOUNDARY_EDGE } from "../shared/colors.js"

const images = new WeakMap() // canvas -> its pixels, which are painted over

function imageOf(canvas, { width, height }) {
  const known = images.get(canvas)
  if (known?.width === width && known.height === height) return known
  const image = new ImageData(width, height)
  images.set(canvas, image)
  return image
}

// Paint packed RGBA values of the pixels.
export function paintPixels(canvas, { width, height, rgba }) {
  const image = imageOf(canvas, { width, height })
  new Uint32Array(image.data.buffer).set(rgba)
  show(canvas, image)
}

// Paint each pixel in the color of its label; `colors` holds 256 packed RGBA values.
export function paintLabels(canvas, { width, height, labels }, colors) {
  const image = imageOf(canvas, { width, height })
  const out = new Uint32Array(image.data.buffer)
  for (let i = 0; i < out.length; i++) out[i] = colors[labels[i]]
  show(canvas, image)
}

// Paint the pixels whose right or lower neighbour belongs to another group, white with black edges.
// A line is about a pixel wide on the screen.
export function paintBoundaries(canvas, { width, height, labels }, groupOf) {
  const image = new ImageData(width, height)
  const out = new Uint32Array(image.data.buffer)
  const shown = canvas.getBoundingClientRect().width * devicePixelRatio
  const reduction = width / (shown || width)
  const line = reduction < 2 ? 1 : Math.ceil(reduction) // browsers blur reduced pictures
  const found = []
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const group = groupOf[labels[i]]
      const right = x + 1 < width && groupOf[labels[i + 1]] !== group
      const below = y + 1 < height && groupOf[labels[i + width]] !== group
      if (right || below) found.push(i)
    }
  }
  // Fill a square around each: `before` pixels to the left and up, `after` to the right and down.
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

export function show(canvas, image) {
  if (canvas.width !== image.width) canvas.width = image.width
  if (canvas.height !== image.height) canvas.height = image.height
  canvas.getContext("2d").putImageData(image, 0, 0)
}
