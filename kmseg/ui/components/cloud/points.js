import { address } from "../shared/server_url.js"

const BYTES = 23 // of a point: five columns of 4 bytes each, then sRGB

// The points as Python packs them, little-endian: columns x, y, z, diameter and pixels, then sRGB.
export async function loadPoints(url) {
  const response = await fetch(address(url))
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  const bytes = await response.arrayBuffer()
  const n = bytes.byteLength / BYTES
  const column = (type, i) => new type(bytes, 4 * n * i, n)
  const levels = new Uint8Array(bytes, 20 * n)
  const colors = Array.from({ length: n }, (_, i) => [...levels.subarray(3 * i, 3 * i + 3)])
  const [x, y, z, size] = [0, 1, 2, 3].map(i => column(Float32Array, i))
  return { x, y, z, size, counts: column(Uint32Array, 4), colors }
}

// Base64 of little-endian uint16.
export function unpackLabels(text) {
  const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0))
  return new Uint16Array(bytes.buffer)
}
