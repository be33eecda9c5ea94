import { clamp } from "../shared/helpers.js"
import { add } from "../shared/svg.js"

const CLICK_RADIUS = 4 // CSS pixels that a pointer may move during a click

// A tool that draws over both pictures with the pointer while it is active. A place is [u, v],
// fractions of the picture's width and height. A tool has
// hint: what its user is told
// layer: class of the SVG elements in which it draws
// clicked(place, pane), dragged(start, end), moved(place): handle the pointer
// moving(start, end): show a drag that goes on
export class Drawing {
  active = false

  constructor(root, signal, viewport) {
    Object.assign(this, { root, viewport })
    this.panes = [...root.querySelectorAll(".pane")]
    for (const pane of this.panes) this.connect(pane, signal)
  }

  static current // the tool that was active last

  toggle() {
    this.active = !this.active
    if (this.active && Drawing.current !== this) Drawing.current?.cancel()
    Drawing.current = this
    this.root.classList.toggle("outlining", this.active)
    const told = this.root.querySelector(".outline-hint")
    told.hidden = !this.active
    told.textContent = this.active ? this.hint : ""
    const shown = this.panes.find(pane => pane.offsetParent)
    if (this.active) shown?.focus({ preventScroll: true })
    return shown
  }

  // Stop drawing; returns whether the tool was active.
  cancel() {
    const { active } = this
    if (active) this.toggle()
    return active
  }

  // While the tool is active, its pointer events do not reach the pane's other listeners.
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
        if (isDrag(event)) this.moving(start.place, placeOf(event))
        else this.moved(placeOf(event))
      },
      pointerup: event => {
        const place = placeOf(event)
        if (isDrag(event)) this.dragged(start.place, place, pane)
        else if (start) this.clicked(place, pane)
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

  // Show a shape of SVG, "line", "polygon" or "polyline", by its attributes; without any, none.
  paintShape(name, attributes) {
    for (const svg of this.root.querySelectorAll(`svg.${this.layer}`)) {
      svg.replaceChildren()
      if (attributes) ["halo", "line"].forEach(line => add(svg, name, { ...attributes, class: line }))
    }
  }
}
