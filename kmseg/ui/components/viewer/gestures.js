import { focus } from "../shared/focus.js"
import { clamp } from "../shared/helpers.js"
import { trackPointers } from "../shared/pointers.js"

// Steps of the arrow keys, as fractions of the pane: PAN moves a zoomed picture, STEP the cross.
const PAN = 0.1
const STEP = 0.01
const FAR = 0.1 // with Shift
const ZOOM = 1.5

// Handle pointers, wheel and keys on one pane. The panes share `pointers`, so that a pinch may span
// both. `on` has hover(place), or hover() when the pointer leaves, and click(place). A place is
// [u, v], as fractions of the picture's width and height.
export function listen(pane, signal, { viewport, choices, pointers, on }) {
  let gripped // whether the pointer drags the divider
  let scrolls // whether the touch scrolls the page; undefined until it moves
  let cross = [0.5, 0.5] // as fractions of the pane

  // Client coordinates as fractions of the pane.
  const within = ([x, y]) => {
    const box = pane.getBoundingClientRect()
    return [(x - box.left) / box.width, (y - box.top) / box.height]
  }
  const placeOf = event => viewport.inPicture(within([event.clientX, event.clientY]))

  function accepts(event) {
    gripped = event.target.className === "grip"
    scrolls = gripped || event.pointerType !== "touch" ? false : undefined
    return true
  }

  function drag(from, to) {
    const [[u0, v0], [u1, v1]] = [within(from), within(to)]
    scrolls ??= Math.abs(to[1] - from[1]) > Math.abs(to[0] - from[0])
    if (viewport.zoom > 1 && !gripped) viewport.moveBy(u1 - u0, v1 - v0)
    else if (choices.layout === "swipe" && !scrolls) choices.setMix(clamp(100 * u1, 0, 100))
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

  function aim() {
    pane.classList.add("aimed")
    pane.style.setProperty("--cross-x", cross[0])
    pane.style.setProperty("--cross-y", cross[1])
    on.hover(viewport.inPicture(cross))
  }

  function leave() {
    pane.classList.remove("aimed")
    on.hover()
  }

  function move(dx, dy, shift) {
    const step = shift ? FAR : STEP
    if (viewport.zoom > 1) viewport.moveBy(-dx * PAN, -dy * PAN)
    else cross = [dx, dy].map((d, i) => clamp(cross[i] + d * step, 0, 0.9999))
  }

  const keys = {
    "+": () => viewport.zoomAt(...cross, ZOOM),
    "=": () => viewport.zoomAt(...cross, ZOOM),
    "-": () => viewport.zoomAt(...cross, 1 / ZOOM),
    0: () => viewport.fit(),
    ArrowLeft: shift => move(-1, 0, shift),
    ArrowRight: shift => move(1, 0, shift),
    ArrowUp: shift => move(0, -1, shift),
    ArrowDown: shift => move(0, 1, shift),
    Enter: () => on.click(viewport.inPicture(cross)),
    " ": () => on.click(viewport.inPicture(cross)),
    Escape: () => focus.set([]),
  }

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return
    event.preventDefault()
    event.stopPropagation()
    keys[event.key](event.shiftKey)
    aim()
  }

  const wasDragged = trackPointers(pane, signal, { accepts, drag, pinch }, pointers)
  const listeners = {
    pointerdown: () => pane.classList.remove("aimed"),
    pointermove: event => on.hover(placeOf(event)),
    pointerleave: () => on.hover(),
    click: event => wasDragged() || on.click(placeOf(event)),
    focus: () => pane.matches(":focus-visible") && aim(),
    blur: leave,
    keydown: press,
  }
  for (const [name, listener] of Object.entries(listeners)) {
    pane.addEventListener(name, listener, { signal })
  }
  pane.addEventListener("wheel", turnWheel, { passive: false, signal })
}
