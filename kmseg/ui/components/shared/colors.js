import { linear } from "../../../color/spaces.js"

// "#rrggbb" -> [r, g, b]
export const rgb = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16))

// A pixel of ImageData as a number, on little-endian machines.
export const pack = ([r, g, b], alpha = 255) => ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0

// Boundaries between clusters: white with black edges, so that they are visible on any picture.
export const BOUNDARY = pack([255, 255, 255])
export const BOUNDARY_EDGE = pack([0, 0, 0])

// Relative luminance (WCAG 2.2), 0 to 1.
export function luminance(color) {
  const [r, g, b] = color.map(linear)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

// Contrast ratio (WCAG 2.2) of two luminances, 1 to 21.
const contrast = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)

// Black or white, whichever has more contrast with a color; the same as kmseg.output.cloud.ink.
export function inkOn(color) {
  const light = luminance(color)
  return contrast(light, 0) >= contrast(light, 1) ? "#000" : "#fff"
}

// The color that covers the clusters out of focus: the page's background; if that has too little
// contrast with a focused color, the one of background, text and gray with the most contrast.
export function veilColor(focused, background, text) {
  const lights = focused.map(luminance)
  const least = color => Math.min(...lights.map(light => contrast(light, luminance(color))))
  if (least(background) >= 1.8) return background
  return [background, text, [118, 118, 118]].toSorted((a, b) => least(b) - least(a))[0]
}
