import { component } from "../shared/component.js"
import { onReconnect } from "../shared/connection.js"
import { focus } from "../shared/focus.js"
import { playback } from "../shared/playback.js"
import { relabeller } from "../viewer/relabel.js"
import { listPairs } from "./axes.js"
import { Bookmark } from "./bookmark.js"
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
const REDUCED = matchMedia("(prefers-reduced-motion: reduce)")

class Steps {
  undone = [] // { start, position } before each drag

  constructor(root, signal) {
    this.root = root
    this.player = new Player(root, signal, {
      show: position => this.show(position),
      rested: () => this.run && this.bookmark.keep(this.data, this.position),
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
    onReconnect(signal, () => this.drag?.released && this.ask({ start: this.drag.start }))
    this.bookmark = new Bookmark(signal, () => this.followAddress())
    const observer = new ResizeObserver(() => this.resized())
    observer.observe(root.querySelector("canvas"))
    signal.addEventListener("abort", () => {
      observer.disconnect()
      this.closed = true
      playback.show(null)
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
  }

  get position() {
    return this.player.position
  }

  update({ data, setTriggerValue }) {
    const { root, root: { nextElementSibling: waiting } } = this
    this.send = setTriggerValue
    if (this.data?.run === data.run) {
      this.data = data
      if (this.frames && this.bookmark.wanted !== undefined) this.player.go(this.bookmark.open(data))
      return
    }
    this.player.pause()
    if (this.data?.segmentation !== data.segmentation) this.undone = []
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
    const isCurrent = () => !this.closed && this.data?.run === data.run
    if (!isCurrent()) return
    const run = new Run(trace, data)
    const { columns, space, preview } = data
    const { pixels: source, stripes, width, height } = preview
    await relabeller.demand({ pixels: source, stripes }, { width, height }, space)
    if (!isCurrent() || !relabeller.holds(source)) return
    if (this.drag && !this.drag.released) return // its release asks for another run
    if (!this.pixels?.are(relabeller, space, columns)) {
      this.pixels = new Pixels(relabeller, space, columns)
    }
    this.open(run)
  }

  open(run) {
    const { data, root, pixels } = this
    Object.assign(this, { run, drag: undefined, frames: new Frames(run, pixels, data.segmentation) })
    root.hidden = false
    root.nextElementSibling.hidden = true
    root.querySelector(".init").value = data.chosen_init
    const hidden = {
      another: data.chosen_init === "manual", draws: !run.first, undo: data.init !== "dragged",
    }
    for (const [name, is] of Object.entries(hidden)) {
      root.querySelector(`[data-do=${name}]`).hidden = is
    }
    this.curve.setRun(run)
    this.pairs = listPairs(root.querySelector(".axes"), pixels, data)
    this.setAxes()
    this.player.setRange(run.first, run.last)
    this.player.go(this.bookmark.open(data))
  }

  // No message comes from the server if the address names this run at another position.
  followAddress() {
    const isThisRun = this.frames && focus.isInAddress() && focus.fromAddress("start") === this.data.start
    if (isThisRun) this.player.go(this.bookmark.open(this.data))
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
    const { run, position, drag, pixels } = this
    const centroids = drag?.centroids ?? run.centroidsAt(position)
    const palette = drag?.palette ?? run.paletteAt(position)
    this.drag = new Moving(pixels, one, centroids, palette, run.data.drawn)
  }

  moveDragged(point) {
    const { drag, frames } = this
    if (!drag) return // another run has arrived
    drag.move(point)
    const sentence = describeDrag(drag, "")
    this.drawPlane()
    playback.show(frames.moving(drag, sentence))
    this.root.querySelector(".sentence").textContent = sentence
  }

  endDrag() {
    const { drag, position, data } = this
    if (!drag?.labels) { // it was not moved
      this.drag = undefined
      this.drawPlane()
      if (data.run !== this.run.data.run) this.load(data)
      return
    }
    drag.released = true
    this.undone.push({ start: data.start, position })
    this.root.querySelector(".sentence").textContent = describeDrag(drag, " Counting all pixels…")
    this.ask({ start: drag.start })
  }

  undo() {
    const { start, position } = this.undone.pop() ?? { start: "", position: 0 }
    this.bookmark.wanted = position
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
