import { make } from "../shared/helpers.js"
import { relabeller } from "./relabel.js"
import { SPACES } from "../../../color/spaces.js"

const TRANSPARENT = 255 // label, and group, of a transparent pixel

const pixels = new WeakMap() // image -> { src, context }: a canvas with its pixels

function colorAt(image, x, y) {
  if (!image.complete || !image.naturalWidth) return null
  if (pixels.get(image)?.src !== image.src) {
    const canvas = document.createElement("canvas")
    canvas.width = image.naturalWidth
    canvas.height = image.naturalHeight
    const context = canvas.getContext("2d", { willReadFrequently: true })
    context.drawImage(image, 0, 0)
    pixels.set(image, { src: image.src, context })
  }
  return Array.from(pixels.get(image).context.getImageData(x, y, 1, 1).data.subarray(0, 3))
}

// The pixel of the photo at (u, v), as fractions of its width and height: its position, its color,
// the group of its cluster, and whether the color is exact.
function pixelAt({ root, data, layers }, u, v) {
  const { raster: preview, visibleDetail: detail } = layers
  if (!preview || u < 0 || v < 0 || u >= 1 || v >= 1) return null
  const [x, y] = [Math.floor(u * data.full[0]), Math.floor(v * data.full[1])]
  const inside = detail && x >= detail.x && y >= detail.y
    && x < detail.x + detail.width && y < detail.y + detail.height
  const layer = inside ? detail.raster : preview
  const column = inside ? Math.floor((x - detail.x) * layer.width / detail.width)
    : Math.floor(u * layer.width)
  const row = inside ? Math.floor((y - detail.y) * layer.height / detail.height)
    : Math.floor(v * layer.height)
  const held = layer === preview && layer.width === data.full[0]
    && data.nearest && relabeller.holds(data.nearest.pixels)
  const color = held ? relabeller.colorAt(column, row)
    : colorAt(root.querySelector(inside ? "img.region" : "img.original"), column, row)
  if (!color) return null
  const group = layer.labels ? layers.groupOf[layer.labels[row * layer.width + column]] : null
  return { x, y, color, group, exact: inside ? detail.exact : held }
}

// The index of the group at a point, or null if there is none.
export function groupAt(viewer, u, v) {
  const pixel = pixelAt(viewer, u, v)
  return pixel && pixel.group !== TRANSPARENT ? pixel.group : null
}

// A level of 0 to 255 as a value of the file, such as "value 1,024".
function valueOf(level, units) {
  const digits = Math.min(units.decimals, 12)
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits }
  const value = units.black + level * (units.white - units.black) / 255
  return `value ${value.toLocaleString("en", options)}`
}

// Describe the pixel at a point; without a point, show a hint.
export function showReadout(viewer, u, v) {
  const { root, data } = viewer
  const readout = root.querySelector(".readout")
  const pixel = u === undefined ? null : pixelAt(viewer, u, v)
  if (!pixel) {
    const touch = matchMedia("(pointer: coarse)").matches // a tap also puts a cluster in focus
    readout.textContent = touch ? "" : "Point at a picture for its colours."
    return
  }
  if (pixel.group === TRANSPARENT) {
    const why = data.units ? "left out" : "transparent"
    readout.textContent = `x ${pixel.x} y ${pixel.y} · ${why}`
    return
  }
  const hex = `#${pixel.color.map(level => level.toString(16).padStart(2, "0")).join("")}`
  const values = SPACES[data.space](pixel.color)
    .map((value, i) => `${data.coordinates[i]} ${Number(value.toFixed(1))}`).join(" ")
  const about = pixel.exact ? "" : "about "
  const square = make("i")
  square.style.background = hex
  readout.replaceChildren(square, [
    `x ${pixel.x} y ${pixel.y}`,
    ...data.units ? [about + valueOf(pixel.color[0], data.units)] : [],
    (data.units ? "" : about) + hex,
    ...data.space === "rgb" ? [] : [values],
    pixel.group === null ? "no cluster yet" : `cluster ${data.names[pixel.group]}`,
  ].join(" · "))
}
