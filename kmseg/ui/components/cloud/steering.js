import { clamp } from "../shared/helpers.js"
import { trackPointers } from "../shared/pointers.js"

const STEP = Math.PI / 36 // radians per press of an arrow key
const KEYS = { // azimuth, elevation, factor of the distance
  ArrowLeft: [-STEP, 0, 1],
  ArrowRight: [STEP, 0, 1],
  ArrowUp: [0, STEP, 1],
  ArrowDown: [0, -STEP, 1],
  "+": [0, 0, 0.9],
  "=": [0, 0, 0.9],
  "-": [0, 0, 1.1],
}

// The camera rotated around its center by angles in radians, at `scale` times the distance.
function turned(camera, azimuth, elevation, scale) {
  const { eye, center } = camera
  const [x, y, z] = ["x", "y", "z"].map(axis => eye[axis] - center[axis])
  const radius = clamp(Math.hypot(x, y, z) * scale, 0.3, 6)
  const around = Math.atan2(y, x) + azimuth
  const up = clamp(Math.atan2(z, Math.hypot(x, y)) + elevation, -1.55, 1.55)
  return {
    ...camera,
    eye: {
      x: center.x + radius * Math.cos(up) * Math.cos(around),
      y: center.y + radius * Math.cos(up) * Math.sin(around),
      z: center.z + radius * Math.sin(up),
    },
  }
}

// Rotate the cloud by mouse, touch, wheel and keys. Plotly's own rotation is off, because it
// overshoots when frames are slow, as without a graphics card. Wheel and touch scroll the page
// until a click or a tap gives the plot the keyboard focus. `view` has isDrawn(), getCamera(),
// setCamera(camera), press() and click().
export function steer(view, plot, signal) {
  const hasFocus = () => document.activeElement === plot
  const turn = (...change) => view.setCamera(turned(view.getCamera(), ...change))

  function accepts(event) {
    if (!view.isDrawn()) return false
    view.press()
    if (event.pointerType === "mouse") plot.focus({ preventScroll: true })
    return hasFocus()
  }

  function drag(from, to) {
    const speed = Math.PI / plot.clientHeight
    turn((from[0] - to[0]) * speed, (to[1] - from[1]) * speed, 1)
  }

  const wasDragged = trackPointers(plot, signal, {
    accepts, drag, pinch: factor => turn(0, 0, 1 / factor),
  })
  plot.addEventListener("click", () => {
    plot.focus({ preventScroll: true })
    if (!wasDragged()) view.click()
  }, { signal })
  plot.addEventListener("wheel", event => {
    event.stopPropagation()
    if (!hasFocus() || !view.isDrawn()) return
    event.preventDefault()
    turn(0, 0, Math.exp(event.deltaY * (event.deltaMode ? 0.03 : 0.001)))
  }, { capture: true, passive: false, signal })
  // Plotly would prevent scrolling the page by touch.
  for (const type of ["touchstart", "touchmove", "touchend"]) {
    plot.addEventListener(type, event => event.stopPropagation(), {
      capture: true, passive: true, signal,
    })
  }
  plot.addEventListener("keydown", event => {
    const change = KEYS[event.key]
    if (!change || !view.isDrawn() || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    turn(...change)
  }, { signal })
}
