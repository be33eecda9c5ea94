// Decoder for output/labelcodec.py; change both together.
const BOTTOM = 1 << 23
const ONE = 1 << 15
const RATES = [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6]
const PATTERNS = 128
const HEADER = 6
const TRANSPARENT = 255 // label of a pixel without a cluster

// Returns a function that decodes the next binary decision in a context, from `at` on.
function answers(bytes, at, contexts) {
  const rates = Uint8Array.from(RATES)
  const last = rates.length - 1
  const chances = new Uint16Array(contexts).fill(ONE / 2)
  const seen = new Uint8Array(contexts)
  let buffer = bytes[at + 3]
  let code = (bytes[at] << 23) | (bytes[at + 1] << 15) | (bytes[at + 2] << 7) | (buffer >> 1)
  let range = 2 ** 31 - 1
  let next = at + 4
  return context => {
    const chance = chances[context]
    const bound = (range >>> 15) * chance
    const rate = rates[seen[context]]
    const yes = code >= bound
    if (yes) {
      code -= bound
      range -= bound
      chances[context] = chance - (chance >> rate)
    } else {
      range = bound
      chances[context] = chance + ((ONE - chance) >> rate)
    }
    if (seen[context] < last) seen[context]++
    while (range < BOTTOM) {
      const byte = bytes[next++] | 0
      code = (code << 8) | ((buffer & 1) << 7) | (byte >> 1)
      range <<= 8
      buffer = byte
    }
    return yes
  }
}

// Decodes to width, height and labels; TRANSPARENT for pixels without a cluster.
export function decodeLabels(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [width, height] = [view.getUint16(0, true), view.getUint16(2, true)]
  const clusters = bytes[4]
  const values = clusters + bytes[5]
  const bits = 32 - Math.clz32(Math.max(values - 1, 1))
  const fresh = 4 * PATTERNS * values // contexts of labels that no neighbour has
  const is = answers(bytes, HEADER, fresh + (values << bits))
  const stride = width + 3
  const padded = new Uint8Array(stride * (height + 2))
  for (let y = 0; y < height; y++) {
    let i = (y + 2) * stride + 2
    for (const end = i + width; i < end; i++) {
      const left = padded[i - 1]
      const above = padded[i - stride]
      const corner = padded[i - stride - 1]
      const right = padded[i - stride + 1]
      const pattern = (left === above)
        | (left === corner) << 1
        | (above === right) << 2
        | (left === padded[i - 2]) << 3
        | (above === padded[i - 2 * stride]) << 4
        | (above === corner) << 5
        | (left === right) << 6
      const first = corner === left ? above : left
      const second = corner === left ? left : above
      const ask = (place, label) => is((place * PATTERNS + pattern) * values + label)
      if (ask(0, first)) padded[i] = first
      else if (second !== first && ask(1, second)) padded[i] = second
      else if (right !== first && right !== second && ask(2, right)) padded[i] = right
      else if (corner !== first && corner !== second && corner !== right && ask(3, corner)) {
        padded[i] = corner
      } else {
        let node = 1
        const tree = fresh + (first << bits)
        for (let bit = 0; bit < bits; bit++) node = 2 * node + is(tree + node)
        padded[i] = node - (1 << bits)
      }
    }
  }
  const labels = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    const at = (y + 2) * stride + 2
    labels.set(padded.subarray(at, at + width), y * width)
  }
  if (bytes[5]) labels.forEach((label, i) => label === clusters && (labels[i] = TRANSPARENT))
  return { width, height, labels }
}
