import { clamp } from "../shared/helpers.js"

const REACH = 16 // CSS pixels around a centroid in which a pointer takes it
const REACH_TOUCH = 26
const STEP = 0.01 // of the plane's width, for an arrow key
const FAR = 0.05 // with Shift
const PAUSE = 700 // milliseconds after the last arrow key until the centroid is let go

// Moves centroids on the plane by mouse, touch and keys. `on` has centroids(), which returns the
// displayed ones or null; begin(j), move(point) and end(), while one is moved; choose(j).
export function listen(plane, signal, on) {
  const { canvas } = plane
  let held = null // the centroid under the pressed pointer
  let chosen = null // that which keys move
  let pressed = false // whether keys have moved it
  let timer

  const within = event => {
    const box = canvas.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }
  const under = (event, reach) => {
    const centroids = on.centroids()
    return centroids && plane.hit(centroids, within(event), reach)
  }
  const pointOf = j => on.centroids().slice(3 * j, 3 * j + 3)
  const inside = ([x, y]) => [clamp(x, 2, plane.width - 2), clamp(y, 2, plane.height - 2)]

  function press(event) {
    if (event.button) return
    const found = under(event, event.pointerType === "touch" ? REACH_TOUCH : REACH)
    if (found === null) return
    letGo()
    held = chosen = found
    canvas.setPointerCapture(event.pointerId)
    on.begin(held)
  }

  function drag(event) {
    if (held === null) canvas.style.cursor = under(event, REACH) === null ? "" : "grab"
    else on.move(plane.unplace(inside(within(event)), pointOf(held)))
  }

  function release() {
    if (held === null) return
    held = null
    on.end()
  }

  function letGo() {
    clearTimeout(timer)
    if (pressed) on.end()
    pressed = false
  }

  function turn(by) {
    letGo()
    const count = on.centroids().length / 3
    chosen = chosen === null ? 0 : (chosen + by + count) % count
    on.choose(chosen)
  }

  function nudge(dx, dy, shift) {
    if (chosen === null) return turn(1)
    if (!pressed) on.begin(chosen)
    pressed = true
    const size = (shift ? FAR : STEP) * plane.width
    const [x, y] = plane.place(pointOf(chosen))
    on.move(plane.unplace(inside([x + dx * size, y - dy * size]), pointOf(chosen)))
    clearTimeout(timer)
    timer = setTimeout(letGo, PAUSE)
  }

  const keys = {
    PageDown: () => turn(1),
    PageUp: () => turn(-1),
    ArrowLeft: shift => nudge(-1, 0, shift),
    ArrowRight: shift => nudge(1, 0, shift),
    ArrowUp: shift => nudge(0, 1, shift),
    ArrowDown: shift => nudge(0, -1, shift),
    Enter: letGo,
  }

  function type(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key] || !on.centroids()) return
    event.preventDefault()
    event.stopPropagation()
    keys[event.key](event.shiftKey)
  }

  const listeners = {
    pointerdown: press,
    pointermove: drag,
    pointerup: release,
    pointercancel: release,
    keydown: type,
    blur: () => {
      letGo()
      chosen = null
      on.choose(null)
    },
  }
  for (const [name, listener] of Object.entries(listeners)) {
    canvas.addEventListener(name, listener, { signal })
  }
  // A finger on a centroid moves it; elsewhere it scrolls the page.
  canvas.addEventListener("touchstart", event => {
    if (under(event.touches[0], REACH_TOUCH) !== null) event.preventDefault()
  }, { passive: false, signal })
  signal.addEventListener("abort", () => clearTimeout(timer))
}
