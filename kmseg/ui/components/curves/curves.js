// Small line charts of scores over K, in the page's text color.
import { component } from "../shared/component.js"
import { make } from "../shared/helpers.js"
import { add, makeSvg } from "../shared/svg.js"

const WIDTH = 420
const HEIGHT = 146
const MOST_TICKS = 12

// Coordinates of values and Ks in the chart.
function scales(values, count) {
  const known = values.filter(value => value !== null)
  const [low, high] = [Math.min(0, ...known), Math.max(...known, 1e-9)]
  return {
    x: i => 20 + i * (WIDTH - 40) / Math.max(count - 1, 1),
    y: value => 26 + (HEIGHT - 58) * (high - value) / (high - low || 1),
  }
}

function addTicks(svg, x, data) {
  const step = Math.ceil(data.clusters.length / MOST_TICKS)
  const now = data.clusters.indexOf(data.current)
  data.clusters.forEach((k, i) => {
    const free = now < 0 || Math.abs(i - now) >= step
    if (i !== now && (i % step || !free)) return
    const name = i === now ? "tick current" : "tick"
    add(svg, "text", { x: x(i), y: HEIGHT - 8, class: name }, String(k))
  })
}

function addMarks(svg, chart, { x, y }, data) {
  const last = chart.values.length - 1
  chart.values.forEach((value, i) => {
    if (value === null) return
    const best = chart.marked && data.clusters[i] === data.suggested
    const attributes = best ? { r: 6, class: "mark suggested" } : { r: 4, class: "mark" }
    const dot = add(svg, "circle", { cx: x(i), cy: y(value), ...attributes })
    add(dot, "title", {}, `K = ${data.clusters[i]}: ${chart.texts[i]}`)
    if (i === 0) add(svg, "text", { x: x(i) - 6, y: y(value) - 11 }, chart.texts[i])
    else if (i === last) {
      add(svg, "text", { x: x(i) + 4, y: y(value) - 10, class: "last" }, chart.texts[i])
    }
  })
}

// Text alternative of the chart for screen readers.
function describe(chart, data) {
  const values = data.clusters.map((k, i) => `K = ${k}: ${chart.texts[i]}`).join("; ")
  const suggestion = chart.marked && data.suggested ? ` Suggested: K = ${data.suggested}.` : ""
  return `${chart.title} over K. ${values}. In use: K = ${data.current}.${suggestion}`
}

function draw(chart, data) {
  const figure = make("figure")
  const svg = makeSvg(WIDTH, HEIGHT, describe(chart, data))
  const { x, y } = scales(chart.values, data.clusters.length)
  const points = chart.values.flatMap((value, i) => value === null ? [] : [`${x(i)},${y(value)}`])
  add(svg, "polyline", { points: points.join(" "), class: "line" })
  addTicks(svg, x, data)
  addMarks(svg, chart, { x, y }, data)
  figure.append(make("figcaption", chart.title), svg)
  return figure
}

export default component(".curves", curves => ({ data }) => {
  curves.replaceChildren(...data.charts.map(chart => draw(chart, data)))
})
