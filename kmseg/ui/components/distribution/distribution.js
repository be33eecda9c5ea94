// Strips of dots, one dot for each attempt; dots that would overlap are stacked.
import { component } from "../shared/component.js"
import { make } from "../shared/helpers.js"
import { add, makeSvg } from "../shared/svg.js"

const MARGIN = 24
const RADIUS = 3
const LEAST_TOP = 1 // percent at the end of the axis, at least

// The end of an axis from 0 and the distance of its ticks, both round: three to six ticks.
function axisOf(values) {
  const top = Math.max(LEAST_TOP, ...values)
  const power = 10 ** Math.floor(Math.log10(top / 3))
  const step = power * [1, 2, 5, 10].find(factor => top / (factor * power) <= 5)
  return { step, top: Math.ceil(top / step - 1e-9) * step }
}

// How many dots lie below each dot: dots whose centres round to one diameter make a column.
function stacked(places) {
  const columns = new Map()
  return places.map(place => {
    const column = Math.round(place / (2 * RADIUS + 1))
    const level = columns.get(column) ?? 0
    columns.set(column, level + 1)
    return { x: column * (2 * RADIUS + 1), level }
  })
}

function drawStrip(strip, at, axis, width) {
  const scale = (width - 2 * MARGIN) / axis.top
  const dots = stacked(strip.values.map(value => value * scale))
  const levels = Math.max(0, ...dots.map(({ level }) => level)) + 1
  const height = levels * (2 * RADIUS + 1) + 8
  const told = `${strip.title}: ${strip.told}`
  const svg = makeSvg(width, height, told)
  add(svg, "line", { x1: MARGIN, x2: width - MARGIN, y1: height - 1, y2: height - 1 })
  for (const { x, level } of dots) {
    const cy = height - 5 - RADIUS - level * (2 * RADIUS + 1)
    add(svg, "circle", { cx: MARGIN + x, cy, r: RADIUS, class: at ? "dot" : "dot filled" })
  }
  const legend = make("p")
  legend.append(make("strong", `${at ? "○" : "●"} ${strip.title}:`), ` ${strip.told}`)
  return [legend, svg]
}

function drawAxis(axis, title, width) {
  const svg = makeSvg(width, 40, "")
  svg.removeAttribute("role")
  svg.setAttribute("aria-hidden", "true")
  for (let i = 0; i * axis.step <= axis.top + 1e-9; i++) {
    const x = MARGIN + i * axis.step * (width - 2 * MARGIN) / axis.top
    add(svg, "line", { x1: x, x2: x, y1: 0, y2: 5 })
    add(svg, "text", { x, y: 18 }, `${Number((i * axis.step).toPrecision(3))}%`)
  }
  add(svg, "text", { x: width - 4, y: 35, class: "axis" }, title)
  return svg
}

class Distribution {
  constructor(root, signal) {
    this.root = root
    const observer = new ResizeObserver(() => root.clientWidth !== this.width && this.draw())
    observer.observe(root)
    signal.addEventListener("abort", () => observer.disconnect())
  }

  update({ data }) {
    this.data = data
    this.draw()
  }

  draw() {
    const { data, root } = this
    const width = root.clientWidth
    if (!data || !width) return
    this.width = width
    const axis = axisOf(data.strips.flatMap(strip => strip.values))
    root.replaceChildren(
      ...data.strips.flatMap((strip, at) => drawStrip(strip, at, axis, width)),
      drawAxis(axis, data.axis, width),
    )
  }
}

export default component(".distribution", (root, signal) => {
  const distribution = new Distribution(root, signal)
  return message => distribution.update(message)
})
