const CLICK_RADIUS = 4 // CSS pixels that a pointer may move during a click

const position = event => [event.clientX, event.clientY]

// Report drags by one pointer and pinches by two pointers on an element.
// accepts(event): whether to track the pressed pointer
// drag(from, to): client coordinates [x, y]
// pinch(factor, centre): ratio of the pointers' distances, and the point between them, [x, y]
// `pointers` holds the last position of each pressed pointer; elements may share it.
// Returns a function that tells whether the last press was a drag and not a click.
export function trackPointers(element, signal, { accepts, drag, pinch }, pointers = new Map()) {
  let start
  let dragged = false

  function press(event) {
    if (event.button) return
    dragged = false
    if (!accepts(event)) return
    start = position(event)
    pointers.set(event.pointerId, start)
  }

  function move(event) {
    if (!event.buttons) pointers.delete(event.pointerId) // released outside the element
    const from = pointers.get(event.pointerId)
    if (!from) return
    const to = position(event)
    if (!dragged && Math.hypot(to[0] - start[0], to[1] - start[1]) < CLICK_RADIUS) return
    if (!dragged) element.setPointerCapture(event.pointerId)
    dragged = true
    pointers.set(event.pointerId, to)
    if (pointers.size === 1) {
      drag(from, to)
    } else if (pointers.size === 2) {
      const [, other] = [...pointers].find(([id]) => id !== event.pointerId)
      const distance = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1
      pinch(distance(to) / distance(from), [(to[0] + other[0]) / 2, (to[1] + other[1]) / 2])
    }
  }

  const release = event => pointers.delete(event.pointerId)

  element.addEventListener("pointerdown", press, { signal })
  element.addEventListener("pointermove", move, { signal })
  element.addEventListener("pointerup", release, { signal })
  element.addEventListener("pointercancel", release, { signal })
  return () => dragged
}
