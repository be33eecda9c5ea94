import { ruler } from "../shared/ruler.js"
import { Drawing } from "./drawing.js"

// The line that a view asks the visitor to draw, see shared/ruler.js.
export class RulerLine extends Drawing {
  hint = "Drag along a length that you know, or click its two ends. Esc cancels."
  layer = "ruler"

  constructor(root, signal, viewport) {
    super(root, signal, viewport)
    ruler.addEventListener("ask", () => this.ask(), { signal })
    ruler.addEventListener("change", () => this.paint(ruler.line), { signal })
    this.paint(ruler.line)
  }

  ask() {
    if (this.active) return
    this.start = undefined
    this.paint(null)
    this.toggle()?.scrollIntoView({ block: "nearest" })
  }

  clicked(place) {
    if (this.start) this.dragged(this.start, place)
    else this.start = place
  }

  dragged(start, end) {
    if (start.every((side, i) => side === end[i])) return
    this.cancel()
    ruler.draw([start, end])
  }

  moving(start, end) {
    this.paint([start, end])
  }

  moved(place) {
    if (this.start) this.paint([this.start, place])
  }

  paint(line) {
    const [[x1, y1], [x2, y2]] = line ?? [[], []]
    this.paintShape("line", line && { x1, y1, x2, y2 })
  }
}
