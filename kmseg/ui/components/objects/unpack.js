// Decoder for output/objectcodec.py; change both together.
import { fetchFrom } from "../viewer/fetching.js"

const LENGTH = 1e4 // parts of a unit
const ECCENTRICITY = 1e6

async function inflate(url) {
  const { body } = await fetchFrom(url)
  return new Response(body.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer()
}

// The measurements of `n` objects, in arrays by object, from 0. Lengths are in pixels, colors in
// levels of 0 to 255; `box` has left, top, right and bottom, `rgb` the rounded color.
export async function fetchTable(url, n) {
  const buffer = await inflate(url)
  let at = 0
  const next = Type => {
    const column = new Type(buffer, at, n)
    at += column.byteLength
    return column
  }
  const inUnits = (Type, parts) => Float64Array.from(next(Type), value => value / parts)
  const perimeter = inUnits(Float64Array, LENGTH)
  const area = next(Uint32Array)
  const y = inUnits(Uint32Array, LENGTH)
  const x = inUnits(Uint32Array, LENGTH)
  const eccentricity = inUnits(Uint32Array, ECCENTRICITY)
  const color = [1, 2, 3].map(() => inUnits(Uint32Array, LENGTH))
  const [top, left, bottom, right] = [1, 2, 3, 4].map(() => next(Uint16Array))
  const cluster = next(Uint8Array)
  const rgb = [1, 2, 3].map(() => next(Uint8Array))
  return { n, perimeter, area, x, y, eccentricity, color, box: { left, top, right, bottom }, cluster, rgb }
}

// The object of each pixel of the preview, from 1; 0 where there is none.
export async function fetchNumbers(url) {
  const numbers = new Uint32Array(await inflate(url))
  for (let i = 1; i < numbers.length; i++) numbers[i] += numbers[i - 1]
  return numbers
}
