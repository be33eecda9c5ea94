// A colour in the coordinates of a space: kmseg/color.py again, for the pixel under the pointer.
// What OpenCV rounds along the way may differ by one.
const linear = level => {
  const encoded = level / 255
  return encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4
}
const times = (matrix, vector) => (
  matrix.map(row => row.reduce((sum, factor, i) => sum + factor * vector[i], 0))
)
const XYZ = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
]
const LMS = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
]
const OKLAB = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
]
const luma = ([r, g, b]) => Math.round(0.299 * r + 0.587 * g + 0.114 * b)

function hexagon([r, g, b]) { // hue in sixths of a turn, saturation 0-255, value
  const value = Math.max(r, g, b)
  const chroma = value - Math.min(r, g, b)
  const divisor = Math.max(chroma, 1)
  let hue = 4 + (r - g) / divisor
  if (value === r) hue = (g - b) / divisor
  else if (value === g) hue = 2 + (b - r) / divisor
  return [hue, 255 * chroma / Math.max(value, 1), value]
}

function cielab(rgb) {
  const white = XYZ.map(row => row[0] + row[1] + row[2])
  const [x, y, z] = times(XYZ, rgb.map(linear)).map((value, i) => {
    const t = value / white[i]
    return t > (6 / 29) ** 3 ? Math.cbrt(t) : t * (29 / 6) ** 2 / 3 + 4 / 29
  })
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

const SPACES = {
  rgb: rgb => rgb,
  bgr: ([r, g, b]) => [b, g, r],
  gray: rgb => [luma(rgb)],
  ycrcb: rgb => {
    const y = luma(rgb)
    return [y, Math.round((rgb[0] - y) * 0.713 + 128), Math.round((rgb[2] - y) * 0.564 + 128)]
  },
  hsv: rgb => {
    const [hue, saturation, value] = hexagon(rgb)
    return [Math.round((hue * 30 + 180) % 180) % 180, Math.round(saturation), value]
  },
  "hsv-circular": rgb => {
    const [hue, saturation, value] = hexagon(rgb)
    const angle = hue * Math.PI / 3
    return [saturation * Math.cos(angle), saturation * Math.sin(angle), value]
  },
  cielab,
  lab: rgb => {
    const [l, a, b] = cielab(rgb)
    return [Math.round(l * 2.55), Math.round(a + 128), Math.round(b + 128)]
  },
  oklab: rgb => times(OKLAB, times(LMS, rgb.map(linear)).map(Math.cbrt)).map(v => 255 * v),
}

export { linear, SPACES }
