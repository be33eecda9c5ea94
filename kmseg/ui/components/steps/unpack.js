// Decoder for output/tracecodec.py; change both together.
const PRECISION = 2 ** -15

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

// Join the planes of bytes of `count` numbers that begin at `at`.
function join(bytes, at, count, size) {
  const joined = new Uint8Array(count * size)
  for (let plane = 0; plane < size; plane++) {
    for (let i = 0; i < count; i++) joined[i * size + plane] = bytes[at + plane * count + i]
  }
  return joined.buffer
}

// A run of `moves` moves of `k` centroids of `d` coordinates. Arrays by step are flat: the values of
// step s begin at s times the number of values of a step.
export async function unpackTrace(text, moves, k, d) {
  const bytes = await inflate(text)
  let at = 0
  const next = (count, size) => {
    const buffer = join(bytes, at, count, size)
    at += count * size
    return buffer
  }
  const steps = moves + 1
  const inertia = new Float64Array(next(steps, 8))
  const afterMove = new Float64Array(next(moves, 8))
  const summed = width => {
    const numbers = new Int32Array(next(steps * width, 4))
    for (let i = width; i < numbers.length; i++) numbers[i] += numbers[i - width]
    return numbers
  }
  const centroids = Float64Array.from(summed(k * d), value => value * PRECISION)
  const [counts, palette, changed] = [summed(k), summed(3 * k), summed(1)]
  return { moves, k, d, inertia, afterMove, centroids, counts, palette, changed }
}
