import { focus } from "../shared/focus.js"
import { clamp } from "../shared/helpers.js"
import { trackPointers } from "../shared/pointers.js"

const PAN = 0.1 // part of the pane that an arrow key moves the picture by
const ZOOM = 1.5

// Pointers, wheel and keys on one pane. `pointers` is shared by the panes, so that two fingers may
// pinch across both. `on` has hover(event or nothing) and click(event).
export function listen(pane, signal, { viewport, choices, pointers, on }) {
  // Client coordinates in parts of the pane.
  const within = ([x, y]) => {
    const box = pane.getBoundingClientRect()
    return [(x - box.left) / box.width, (y - box.top) / box.height]
  }

  function drag(from, to) {
    const [[u0, v0], [u1, v1]] = [within(from), within(to)]
    if (viewport.zoom > 1) viewport.moveBy(u1 - u0, v1 - v0)
    else if (choices.layout === "swipe") choices.setMix(clamp(100 * u1, 0, 100))
  }

  function pinch(factor, centre) {
    viewport.zoomAt(...within(centre), factor)
  }

  function turnWheel(event) {
    if (!(event.ctrlKey || event.metaKey || viewport.zoom > 1)) return
    event.preventDefault()
    const factor = Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002))
    viewport.zoomAt(...within([event.clientX, event.clientY]), factor)
  }

  const keys = {
    "+": () => viewport.zoomAt(0.5, 0.5, ZOOM),
    "=": () => viewport.zoomAt(0.5, 0.5, ZOOM),
    "-": () => viewport.zoomAt(0.5, 0.5, 1 / ZOOM),
    0: () => viewport.fit(),
    ArrowLeft: () => viewport.moveBy(PAN, 0),
    ArrowRight: () => viewport.moveBy(-PAN, 0),
    ArrowUp: () => viewport.moveBy(0, PAN),
    ArrowDown: () => viewport.moveBy(0, -PAN),
    Escape: () => focus.set([]),
  }

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (!keys[event.key] || (event.key.startsWith("Arrow") && viewport.zoom === 1)) return
    event.preventDefault()
    event.stopPropagation()
    keys[event.key]()
  }

  const handlers = { accepts: () => true, drag, pinch }
  const wasDragged = trackPointers(pane, signal, handlers, pointers)
  pane.addEventListener("pointermove", on.hover, { signal })
  pane.addEventListener("pointerleave", () => on.hover(), { signal })
  pane.addEventListener("click", event => wasDragged() || on.click(event), { signal })
  pane.addEventListener("wheel", turnWheel, { passive: false, signal })
  pane.addEventListener("keydown", press, { signal })
}
