import { focus } from "../shared/focus.js"
import { unpackLabels } from "./points.js"

const FADED_SIZE = 1.5 // diameter, in CSS pixels, of a point that is not in focus

// Any CSS color as three numbers from 0 to 255.
function rgb(css) {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  pixel.fillStyle = css
  pixel.fillRect(0, 0, 1, 1)
  return Array.from(pixel.getImageData(0, 0, 1, 1).data.subarray(0, 3))
}

// Colors and font of the page's theme. `mix(share)` is the text color over the background.
function readTheme(root) {
  const style = getComputedStyle(root)
  const token = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise
  const text = rgb(token("--st-text-color", "rgb(49,51,63)"))
  const page = rgb(token("--st-background-color", "rgb(255,255,255)"))
  const mix = share => (
    `rgb(${text.map((value, i) => Math.round(share * value + (1 - share) * page[i]))})`
  )
  return { mix, dark: Math.max(...page) < 128, family: token("--st-font", "sans-serif") }
}

// Give the figure the page's colors; returns the color of points that are not in focus.
function applyTheme(layout, root, plot) {
  const { mix, dark, family } = readTheme(root)
  const text = mix(1)
  // Tint the background so that white points show on a white page, and black points on a black
  // page, which needs a stronger tint.
  const share = dark ? 0.3 : 0.1
  const hoverlabel = { bgcolor: mix(0), bordercolor: text, font: { family, color: text, size: 13 } }
  layout.paper_bgcolor = plot.style.background = mix(share)
  layout.font = { family, color: text, size: 12 }
  layout.hoverlabel = { ...hoverlabel, align: "left" }
  for (const name of ["xaxis", "yaxis", "zaxis"]) {
    const axis = layout.scene[name]
    Object.assign(axis, { gridcolor: mix(share + 0.2), linecolor: mix(share + 0.2), color: text })
    axis.title.font = { family, color: text, size: 15 }
  }
  for (const tag of layout.scene.annotations) tag.hoverlabel = hoverlabel
  return mix(share + 0.07)
}

// The initial camera. It is further away in a narrow plot, so that the ends of the axes show.
export function initialCamera(data, plot) {
  const camera = structuredClone(data.figure.layout.scene.camera)
  const back = plot.clientWidth < 1.2 * plot.clientHeight ? 1.38 : 1
  for (const axis of ["x", "y", "z"]) camera.eye[axis] *= back
  return camera
}

// The complete Plotly figure: Python's figure with the points, the page's theme and the focus.
export function composeFigure(data, points, camera, root, plot) {
  const figure = structuredClone(data.figure)
  const faded = applyTheme(figure.layout, root, plot)
  const labels = unpackLabels(data.labels)
  const { x, y, z, size, counts, colors } = points
  const focused = data.groups.map(group => focus.clusters.size === 0 || focus.has(group))
  const ownColors = colors.map(color => `rgb(${color})`)
  const shade = data.paint === "cluster" ? label => data.palette[label] : (_, i) => ownColors[i]
  const { paper_bgcolor: background, font: { color: text } } = figure.layout
  figure.layout.scene.annotations.forEach((tag, i) => {
    if (focused[i]) return
    Object.assign(tag, { bgcolor: background, bordercolor: faded })
    tag.font.color = text
  })
  const [trace] = figure.data
  Object.assign(trace, { x, y, z })
  Object.assign(trace.marker, {
    color: Array.from(labels, (label, i) => focused[label] ? shade(label, i) : faded),
    // Small, so that points out of focus do not hide those in focus.
    size: Array.from(size, (diameter, i) => focused[labels[i]] ? diameter : FADED_SIZE),
  })
  trace.customdata = colors.map(([r, g, b], i) => [
    (r << 16) | (g << 8) | b, counts[i], data.names[labels[i]], labels[i],
  ])
  figure.layout.scene.camera = camera
  return figure
}
