import { clamp } from "../shared/helpers.js"
import { Drawing } from "./drawing.js"

const CLOSE_RADIUS = 14 // CSS pixels around the first corner within which a click closes a polygon
const MOST_CORNERS = 64

// The region of interest: draws its outline over both pictures, and lets the visitor draw another
// one: a drag is a rectangle, clicks are the corners of a polygon.
export class RegionOfInterest extends Drawing {
  hint = "Drag a rectangle, or click the corners of a polygon; a click on its first corner closes it."
  layer = "outline"
  corners = [] // of the region being drawn

  constructor(root, signal, viewport, outbox) {
    super(root, signal, viewport)
    this.outbox = outbox
    const buttons = {
      draw: () => this.toggle(),
      done: () => this.finish(),
      whole: () => this.choose([]),
    }
    for (const [name, action] of Object.entries(buttons)) {
      root.querySelector(`[data-region=${name}]`).addEventListener("click", action, { signal })
    }
  }

  // Show the server's region.
  update(outline) {
    this.outline = outline
    this.paint()
  }

  toggle() {
    super.toggle()
    this.corners = []
    this.paint()
  }

  // A corner of a polygon; at the first corner, the polygon is closed.
  clicked(place, pane = this.panes[1]) {
    const corner = place.map(side => clamp(side, 0, 1))
    const [first] = this.corners
    const closes = first && this.distance(pane, first, corner) < CLOSE_RADIUS
    if (closes && this.corners.length > 2) return this.finish()
    if (!closes && this.corners.length < MOST_CORNERS) this.corners.push(corner)
    this.paint()
  }

  dragged(start, end, pane) {
    const isRectangle = !this.corners.length && end.every((side, i) => side !== start[i])
    if (isRectangle) this.choose([start, end])
    else this.clicked(end, pane)
  }

  moving(start, end) {
    if (this.corners.length) this.moved(end)
    else this.paint([start, end])
  }

  moved(place) {
    if (this.corners.length) this.paint([...this.corners, place])
  }

  finish() {
    if (this.corners.length > 2) this.choose(this.corners)
  }

  choose(corners) {
    this.cancel()
    this.update(corners)
    this.outbox.add({ what: "outline", corners })
  }

  // CSS pixels between two places of a picture.
  distance(pane, [u0, v0], [u1, v1]) {
    const { zoom } = this.viewport
    return Math.hypot((u1 - u0) * pane.clientWidth, (v1 - v0) * pane.clientHeight) * zoom
  }

  // Draw the region, or corners that may still move.
  paint(corners = this.active ? this.corners : this.outline ?? []) {
    const { root, active } = this
    const whole = corners.length === 2 ? rectangle(...corners) : corners
    const points = whole.map(([u, v]) => `${u},${v}`).join(" ")
    this.paintShape(active && corners.length > 2 ? "polyline" : "polygon", points && { points })
    root.querySelector("[data-region=draw]").setAttribute("aria-pressed", String(active))
    root.querySelector("[data-region=done]").hidden = !active || this.corners.length < 3
    root.querySelector("[data-region=whole]").hidden = active || !this.outline?.length
  }
}

const rectangle = ([u0, v0], [u1, v1]) => [[u0, v0], [u1, v0], [u1, v1], [u0, v1]]
