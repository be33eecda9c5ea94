// The conversions of conversions.py for the browser: (r, g, b) of 0-255 -> coordinates of a space.
// OpenCV's 8-bit spaces use its integer formulas and give equal values for every colour.
const linear = level => { // linear light of an sRGB byte, 0-1
  const encoded = level / 255
  return encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4
}
const times = (matrix, vector) => (
  matrix.map(row => row.reduce((sum, factor, i) => sum + factor * vector[i], 0))
)
const XYZ_FROM_LINEAR = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
]
const LMS_FROM_LINEAR = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
]
const OKLAB_FROM_LMS = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
]

function hsvCircular([r, g, b]) {
  const value = Math.max(r, g, b)
  const chroma = value - Math.min(r, g, b)
  const divisor = Math.max(chroma, 1)
  let hue = 4 + (r - g) / divisor // in units of 60 degrees
  if (value === r) hue = (g - b) / divisor
  else if (value === g) hue = 2 + (b - r) / divisor
  const saturation = 255 * chroma / Math.max(value, 1)
  const angle = hue * Math.PI / 3
  return [saturation * Math.cos(angle), saturation * Math.sin(angle), value]
}

// a = b = 0 for grays, where rounding errors leave traces.
const neutral = ([lightness, a, b], [red, green, blue]) => (
  red === green && green === blue ? [lightness, 0, 0] : [lightness, a, b]
)

function cielab(rgb) {
  const white = XYZ_FROM_LINEAR.map(row => row[0] + row[1] + row[2])
  const [x, y, z] = times(XYZ_FROM_LINEAR, rgb.map(linear)).map((value, i) => {
    const t = value / white[i]
    return t > (6 / 29) ** 3 ? Math.cbrt(t) : t * (29 / 6) ** 2 / 3 + 4 / 29
  })
  return neutral([116 * y - 16, 500 * (x - y), 200 * (y - z)], rgb)
}

function oklab(rgb) {
  const lms = times(LMS_FROM_LINEAR, rgb.map(linear)).map(Math.cbrt)
  return neutral(times(OKLAB_FROM_LMS, lms).map(value => 255 * value), rgb)
}

// -- OpenCV's 8-bit definitions: fixed-point numbers ----------------------------------------------

const roundShift = (number, bits) => (number + (1 << (bits - 1))) >> bits
const clampByte = number => Math.min(Math.max(number, 0), 255)

function roundHalfEven(number) {
  const rounded = Math.round(number)
  return rounded - number === 0.5 && rounded % 2 ? rounded - 1 : rounded
}

const tableOf = (length, entry) => Int32Array.from({ length }, (_, i) => roundHalfEven(entry(i)))

// modules/imgproc/src/color_rgb.simd.hpp, RGB2Gray<uchar>: 15 bits.
const cvGray = ([r, g, b]) => [roundShift(9798 * r + 19235 * g + 3735 * b, 15)]

// modules/imgproc/src/color_yuv.simd.hpp, RGB2YCrCb_i<uchar>: 14 bits.
function cvYCrCb([r, g, b]) {
  const y = roundShift(4899 * r + 9617 * g + 1868 * b, 14)
  const difference = (level, factor) => clampByte(roundShift((level - y) * factor, 14) + 128)
  return [y, difference(r, 11682), difference(b, 9241)]
}

// modules/imgproc/src/color_hsv.simd.hpp, RGB2HSV_b: reciprocals of 12 bits.
const SATURATION_DIVISORS = tableOf(256, i => (i ? (255 << 12) / i : 0))
const HUE_DIVISORS = tableOf(256, i => (i ? (180 << 12) / (6 * i) : 0))

function cvHsv([r, g, b]) {
  const value = Math.max(r, g, b)
  const chroma = value - Math.min(r, g, b)
  let sixths = r - g + 4 * chroma
  if (value === r) sixths = g - b
  else if (value === g) sixths = b - r + 2 * chroma
  const hue = roundShift(sixths * HUE_DIVISORS[chroma], 12)
  const saturation = roundShift(chroma * SATURATION_DIVISORS[value], 12)
  return [hue < 0 ? hue + 180 : hue, saturation, value]
}

// modules/imgproc/src/color_lab.cpp, RGB2Lab_b: linear light of 3 more bits, matrix of 12 bits
// relative to the white point, cube roots of 15 bits. OpenCV makes the roots in single precision.
const LAB_LINEAR = tableOf(256, i => 8 * 255 * linear(i))
const LAB_ROOTS = tableOf(3072, i => {
  const t = i / (8 * 255)
  return 2 ** 15 * Math.fround(t < 216 / 24389 ? t * 841 / 108 + 16 / 116 : Math.cbrt(t))
})
const LAB_FROM_LINEAR = [[1777, 1541, 778], [871, 2929, 296], [73, 448, 3575]]

function cvLab(rgb) {
  const light = rgb.map(level => LAB_LINEAR[level])
  const [x, y, z] = times(LAB_FROM_LINEAR, light).map(sum => LAB_ROOTS[roundShift(sum, 12)])
  const lightness = Math.trunc((116 * 255 + 50) / 100) * y
    - Math.trunc((16 * 255 * 2 ** 15 + 50) / 100)
  const difference = sum => clampByte(roundShift(sum, 15) + 128)
  return [roundShift(lightness, 15), difference(500 * (x - y)), difference(200 * (y - z))]
}

const SPACES = {
  rgb: rgb => rgb,
  bgr: ([r, g, b]) => [b, g, r],
  hsv: cvHsv,
  "hsv-circular": hsvCircular,
  lab: cvLab,
  cielab,
  oklab,
  ycrcb: cvYCrCb,
  gray: cvGray,
}

export { linear, SPACES }
