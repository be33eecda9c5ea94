import { clamp } from "../shared/helpers.js"
import { add } from "../shared/svg.js"

const CLICK_RADIUS = 4 // CSS pixels that a pointer may move during a click
const CLOSE_RADIUS = 14 // CSS pixels around the first corner within which a click closes a polygon
const MOST_CORNERS = 64

// The region of interest: draws its outline over both pictures, and lets the visitor draw another
// one: a drag is a rectangle, clicks are the corners of a polygon. Corners are [u, v], fractions of
// the picture's width and height.
export class RegionOfInterest {
  corners = [] // of the region being drawn
  active = false

  constructor(root, signal, viewport, outbox) {
    Object.assign(this, { root, viewport, outbox })
    this.panes = [...root.querySelectorAll(".pane")]
    for (const pane of this.panes) this.connect(pane, signal)
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
    this.active = !this.active
    this.corners = []
    this.paint()
    if (this.active) this.panes.find(pane => pane.offsetParent)?.focus({ preventScroll: true })
  }

  // Stop drawing; returns whether a region was being drawn.
  cancel() {
    const { active } = this
    if (active) this.toggle()
    return active
  }

  // A corner of a polygon; at the first corner, the polygon is closed.
  add(place, pane = this.panes[1]) {
    const corner = place.map(side => clamp(side, 0, 1))
    const [first] = this.corners
    const closes = first && this.distance(pane, first, corner) < CLOSE_RADIUS
    if (closes && this.corners.length > 2) return this.finish()
    if (!closes && this.corners.length < MOST_CORNERS) this.corners.push(corner)
    this.paint()
  }

  finish() {
    if (this.corners.length > 2) this.choose(this.corners)
  }

  choose(corners) {
    Object.assign(this, { active: false, corners: [], outline: corners })
    this.paint()
    this.outbox.add({ what: "outline", corners })
  }

  // CSS pixels between two places of a picture.
  distance(pane, [u0, v0], [u1, v1]) {
    const { zoom } = this.viewport
    return Math.hypot((u1 - u0) * pane.clientWidth, (v1 - v0) * pane.clientHeight) * zoom
  }

  // While a region is drawn, its pointer events do not reach the pane's other listeners.
  connect(pane, signal) {
    let start
    const placeOf = ({ clientX, clientY }) => {
      const box = pane.getBoundingClientRect()
      const inPane = [(clientX - box.left) / box.width, (clientY - box.top) / box.height]
      return this.viewport.inPicture(inPane).map(side => clamp(side, 0, 1))
    }
    const isDrag = event => (
      start && Math.hypot(event.clientX - start.x, event.clientY - start.y) > CLICK_RADIUS
    )
    const listeners = {
      pointerdown: event => {
        start = { x: event.clientX, y: event.clientY, place: placeOf(event) }
        pane.setPointerCapture(event.pointerId)
      },
      pointermove: event => {
        if (isDrag(event) && !this.corners.length) this.paint([start.place, placeOf(event)])
        else if (this.corners.length) this.paint([...this.corners, placeOf(event)])
      },
      pointerup: event => {
        const place = placeOf(event)
        const dragged = isDrag(event) && !this.corners.length
        if (dragged && place.every((side, i) => side !== start.place[i])) this.choose([start.place, place])
        else if (start) this.add(place, pane)
        start = undefined
      },
      pointercancel: () => (start = undefined),
      click: () => {},
    }
    for (const [name, listener] of Object.entries(listeners)) {
      pane.addEventListener(name, event => {
        // The click that belongs to the last pointer event comes after drawing has ended.
        const ends = name === "click" && this.ended
        if (name === "click") this.ended = false
        if (!this.active && !ends) return
        event.stopImmediatePropagation()
        event.preventDefault()
        listener(event)
        if (name === "pointerup") this.ended = !this.active
      }, { capture: true, signal })
    }
  }

  // Draw the region, or corners that may still move.
  paint(corners = this.active ? this.corners : this.outline ?? []) {
    const { root, active } = this
    const whole = corners.length === 2 ? rectangle(...corners) : corners
    const points = whole.map(([u, v]) => `${u},${v}`).join(" ")
    for (const svg of root.querySelectorAll(".outline")) {
      svg.replaceChildren()
      const name = active && corners.length > 2 ? "polyline" : "polygon"
      if (points) ["halo", "line"].forEach(line => add(svg, name, { points, class: line }))
    }
    root.classList.toggle("outlining", active)
    root.querySelector("[data-region=draw]").setAttribute("aria-pressed", String(active))
    root.querySelector("[data-region=done]").hidden = !active || this.corners.length < 3
    root.querySelector("[data-region=whole]").hidden = active || !this.outline?.length
    root.querySelector(".outline-hint").hidden = !active
  }
}

const rectangle = ([u0, v0], [u1, v1]) => [[u0, v0], [u1, v0], [u1, v1], [u0, v1]]
