import { clamp } from "../shared/helpers.js"
import { add } from "../shared/svg.js"
import { power } from "./words.js"

const HEIGHT = 72
const [LEFT, RIGHT, TOP, BOTTOM] = [6, 6, 18, 6]

// The inertia at each position of a run, as a line with the current position marked.
export class Curve {
  constructor(svg, signal, chosen) {
    this.svg = svg
    const choose = event => {
      if (!this.run || !event.buttons) return
      const box = svg.getBoundingClientRect()
      const part = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT)
      chosen(clamp(Math.round(1 + part * (this.run.last - 1)), 1, this.run.last))
    }
    svg.addEventListener("pointerdown", choose, { signal })
    svg.addEventListener("pointermove", choose, { signal })
  }

  setRun(run) {
    const width = this.svg.clientWidth || 340
    Object.assign(this, { run, width })
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`)
    const values = Array.from({ length: run.last }, (_, i) => run.inertiaAt(i + 1))
    const known = values.filter(value => !Number.isNaN(value))
    const [low, high] = [Math.min(...known), Math.max(...known)]
    this.x = position => LEFT + (width - LEFT - RIGHT) * (position - 1) / Math.max(run.last - 1, 1)
    this.y = value => TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low || 1)
    const points = values.flatMap((value, i) => (
      Number.isNaN(value) ? [] : [`${this.x(i + 1)},${this.y(value)}`]
    ))
    this.svg.replaceChildren()
    add(this.svg, "polyline", { points: points.join(" "), class: "line" })
    this.mark = add(this.svg, "circle", { r: 5, class: "mark" })
    this.label = add(this.svg, "text", {})
    const ends = `from ${power(known[0])} to ${power(known.at(-1))} in ${run.moves} steps`
    this.svg.setAttribute("aria-label", `Inertia after each half-step: ${ends}.`)
  }

  // Mark a position; before the first assignment there is no inertia.
  show(position) {
    const { run, mark, label } = this
    const value = position > 0 ? run.inertiaAt(position) : NaN
    const hidden = Number.isNaN(value)
    mark.style.display = label.style.display = hidden ? "none" : ""
    if (hidden) return
    const x = this.x(position)
    mark.setAttribute("cx", x)
    mark.setAttribute("cy", this.y(value))
    label.textContent = power(value)
    const right = x < this.width / 2
    label.setAttribute("x", right ? x + 9 : x - 9)
    label.setAttribute("y", Math.max(this.y(value) - 5, 12))
    label.setAttribute("text-anchor", right ? "start" : "end")
  }
}
