import { pack } from "./colors.js"

const BOUNDARY = pack([255, 225, 0])

// Paint each pixel in the color of its label; `colors` holds 256 packed RGBA values.
export function paintLabels(canvas, { width, height, labels }, colors) {
  const image = new ImageData(width, height)
  const out = new Uint32Array(image.data.buffer)
  for (let i = 0; i < out.length; i++) out[i] = colors[labels[i]]
  show(canvas, image)
}

// Paint the pixels whose right or lower neighbour belongs to another group.
export function paintBoundaries(canvas, { width, height, labels }, groupOf) {
  const image = new ImageData(width, height)
  const out = new Uint32Array(image.data.buffer)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const group = groupOf[labels[i]]
      const right = x + 1 < width && groupOf[labels[i + 1]] !== group
      const below = y + 1 < height && groupOf[labels[i + width]] !== group
      if (right || below) out[i] = BOUNDARY
    }
  }
  show(canvas, image)
}

function show(canvas, image) {
  canvas.width = image.width
  canvas.height = image.height
  canvas.getContext("2d").putImageData(image, 0, 0)
}
