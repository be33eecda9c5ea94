import { component } from "../shared/component.js"
import { focus } from "../shared/focus.js"
import { playback } from "../shared/playback.js"
import { relabeller } from "../viewer/relabel.js"
import { listPairs } from "./axes.js"
import { Curve } from "./curve.js"
import { listen } from "./dragging.js"
import { Frames } from "./frames.js"
import { Moving } from "./moving.js"
import { Pixels } from "./pixels.js"
import { Plane } from "./plane.js"
import { Player } from "./player.js"
import { Run } from "./run.js"
import { unpackTrace } from "./unpack.js"
import { describe, describeDrag, stepName } from "./words.js"

const FASTEST_FLASH = 5 // half-steps a second above which nothing flashes: at most three flashes a second
const REST = 250 // milliseconds at a position until it is written into the address, which is slow
const REDUCED = matchMedia("(prefers-reduced-motion: reduce)")

// Keep the position of the address in addresses that the server writes.
const readAddress = () => focus.parameters.set("step", focus.fromAddress("step"))
readAddress()

const positions = new Map() // run -> position; outlives the element

class Steps {
  undone = [] // { start, position } before each drag

  constructor(root, signal) {
    this.root = root
    this.player = new Player(root, signal, {
      show: position => this.show(position),
      rested: () => this.keepPosition(),
    })
    this.curve = new Curve(root.querySelector(".curve svg"), signal, position => this.player.go(position))
    this.plane = new Plane(root.querySelector("canvas"))
    listen(this.plane, signal, {
      centroids: () => this.frames ? this.drag?.centroids ?? this.run.centroidsAt(this.position) : null,
      choose: chosen => this.choose(chosen),
      begin: one => this.beginDrag(one),
      move: point => this.moveDragged(point),
      end: () => this.endDrag(),
    })
    this.connect(signal)
    const step = focus.parameters.get("step")
    if (step) this.wanted = Number(step) || 0
    const observer = new ResizeObserver(() => this.resized())
    observer.observe(root.querySelector("canvas"))
    signal.addEventListener("abort", () => {
      observer.disconnect()
      this.closed = true
      clearTimeout(this.writing)
      playback.show(null)
      focus.setParameter("step", "")
    })
  }

  connect(signal) {
    const { root } = this
    const actions = {
      another: () => this.ask({ start: String((Number(this.data.start) || 1) + 1) }),
      draws: () => this.player.go(this.run.first),
      undo: () => this.undo(),
    }
    for (const [name, action] of Object.entries(actions)) {
      root.querySelector(`[data-do=${name}]`).addEventListener("click", action, { signal })
    }
    root.querySelector(".init").addEventListener("change", event => {
      this.ask({ init: event.target.value, start: "" })
    }, { signal })
    root.querySelector(".axes").addEventListener("change", () => this.setAxes(), { signal })
    addEventListener("popstate", () => {
      readAddress()
      this.wanted = Number(focus.parameters.get("step")) || 0
    }, { signal })
  }

  get position() {
    return this.player.position
  }

  update({ data, setTriggerValue }) {
    const { root, root: { nextElementSibling: waiting } } = this
    this.send = setTriggerValue
    if (this.data?.run === data.run) {
      this.data = data
      if (this.frames && this.wanted !== undefined) this.player.go(this.firstPosition())
      return
    }
    this.player.pause()
    this.load(data).catch(error => {
      console.warn(error)
      this.data = undefined // the next message tries again
      root.hidden = true
      waiting.hidden = false
      waiting.textContent = "The steps could not be loaded. Reload the page."
    })
  }

  async load(data) {
    this.data = data
    const trace = await unpackTrace(data.packed, data.n_moves, data.seeds.length, data.columns.length)
    if (data !== this.data || this.closed) return
    const run = new Run(trace, data)
    const { columns, space, preview } = data
    const { pixels: source, stripes, width, height } = preview
    await relabeller.demand({ pixels: source, stripes }, { width, height }, space)
    if (this.data.run !== data.run || this.closed || !relabeller.holds(source)) return
    const selected = relabeller.selected(space, columns)
    const pixels = new Pixels(relabeller, selected, columns.length, data.drawn)
    this.open(run, pixels)
  }

  open(run, pixels) {
    const { data, root } = this
    Object.assign(this, { run, drag: undefined, frames: new Frames(run, pixels, data.segmentation) })
    root.hidden = false
    root.nextElementSibling.hidden = true
    root.querySelector(".init").value = data.chosen_init
    const drawn = run.draws.length > 0
    root.querySelector("[data-do=another]").hidden = data.chosen_init === "manual"
    root.querySelector("[data-do=draws]").hidden = !drawn
    root.querySelector("[data-do=undo]").hidden = data.init !== "dragged"
    this.curve.setRun(run)
    this.pixels = pixels
    this.pairs = listPairs(root.querySelector(".axes"), pixels, data)
    this.setAxes()
    this.player.setRange(run.first, run.last)
    this.player.moveTo(this.firstPosition())
    this.keepPosition()
  }

  // Where a run opens: where it was left, where the link says, or at its start. After a drag, the
  // pixels are assigned already.
  firstPosition() {
    const { data, wanted } = this
    this.wanted = undefined
    return wanted ?? positions.get(data.run) ?? (data.init === "dragged" ? 1 : 0)
  }

  keepPosition() {
    if (!this.run) return
    const step = this.position ? String(this.position) : ""
    positions.set(this.data.run, this.position)
    focus.parameters.set("step", step)
    clearTimeout(this.writing)
    this.writing = setTimeout(() => focus.setParameter("step", step), REST)
  }

  show(position) {
    const { run, frames, root } = this
    if (!frames) return
    this.drag = undefined
    const fast = this.player.playing && Number(this.player.speed.value) > FASTEST_FLASH
    this.drawPlane() // first: it reads styles, which are slow to compute after a change
    this.curve.show(position)
    playback.show(frames.at(position, !fast && !REDUCED.matches))
    root.querySelector(".sentence").textContent = describe(run, position)
    root.querySelector("output").textContent = stepName(run, position)
  }

  resized() {
    if (!this.frames || !this.plane.scale()) return
    this.curve.setRun(this.run)
    this.curve.show(this.position)
    this.drawPlane()
  }

  setAxes() {
    const pair = this.pairs[this.root.querySelector(".axes").selectedIndex]
    const { data } = this
    this.plane.setAxes(this.pixels, this.run.centroidsOf(0), pair, data.coordinates)
    this.describePlane()
    this.drawPlane()
  }

  describePlane() {
    const at = this.chosen ?? null
    const who = at === null ? "" : `, centroid ${at + 1} of ${this.run.k} is chosen`
    this.plane.canvas.ariaLabel = "Colours and centroids: Page Up and Page Down choose a centroid, arrow "
      + `keys move it${who}`
  }

  choose(chosen) {
    this.chosen = chosen
    if (!this.frames) return
    this.describePlane()
    this.drawPlane()
  }

  drawPlane() {
    const { run, position, drag, frames } = this
    const steps = position > 0 ? Math.floor(position / 2) : 0
    this.plane.draw({
      centroids: drag?.centroids ?? run.centroidsAt(position),
      palette: drag?.palette ?? run.paletteAt(position),
      labels: drag?.labels ?? frames.labelsAt(position),
      trail: drag ? [] : Array.from({ length: steps + 1 }, (_, step) => run.centroidsOf(step)),
      shown: run.drawnAt(position),
      chosen: drag && !drag.released ? drag.one : this.chosen ?? null,
    })
  }

  // -- dragging -----------------------------------------------------------------------------------

  beginDrag(one) {
    this.player.pause()
    const { run, position, drag } = this
    const centroids = drag?.centroids ?? run.centroidsAt(position)
    this.drag = new Moving(this.pixels, one, centroids, drag?.palette ?? run.paletteAt(position))
  }

  moveDragged(point) {
    const { drag, frames } = this
    drag.move(point)
    const sentence = describeDrag(drag, "")
    this.drawPlane()
    playback.show(frames.moving(drag, sentence))
    this.root.querySelector(".sentence").textContent = sentence
  }

  endDrag() {
    const { drag, position, data } = this
    if (!drag.labels) { // it was not moved
      this.drag = undefined
      this.drawPlane()
      return
    }
    drag.released = true
    this.undone.push({ start: data.start, position })
    this.root.querySelector(".sentence").textContent = describeDrag(drag, " Counting all pixels…")
    this.ask({ start: drag.start })
  }

  undo() {
    const { start, position } = this.undone.pop() ?? { start: "", position: 0 }
    this.wanted = position
    this.ask({ start })
  }

  // Ask the server for another run: { start }, and { init } if that changes too.
  ask(wanted) {
    this.send("asked", wanted)
  }
}

export default component(".steps", (root, signal) => {
  const steps = new Steps(root, signal)
  return message => steps.update(message)
})
