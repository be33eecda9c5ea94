import { address } from "../shared/server_url.js"
import { component } from "../shared/component.js"
import { onReconnect } from "../shared/connection.js"
import { focus } from "../shared/focus.js"
import { chooseFiles } from "../shared/uploader.js"
import { Bar } from "./bar.js"
import { Changes } from "./changes.js"
import { Choices } from "./choices.js"
import { arrangeSwatches, showFocus, showSwatches } from "./clusters.js"
import { requestDetail } from "./detail.js"
import { FullScreen } from "./fullscreen.js"
import { listen } from "./gestures.js"
import { Layers } from "./layers.js"
import { describe, showOriginal } from "./originals.js"
import { Outbox } from "./outbox.js"
import { Playing } from "./playing.js"
import { download } from "./saving.js"
import { groupAt, showReadout } from "./readout.js"
import { Regions } from "./regions.js"
import { RegionOfInterest } from "./roi.js"
import { RulerLine } from "./ruler.js"
import { Viewport } from "./viewport.js"

const DETAIL_DELAY = 150 // milliseconds after the last movement before detail is requested

// `latest` is the data of the last message, `loaded` that whose pictures have loaded, and `data` the
// data that is displayed: `loaded`, with the clusters of a run's frame while one is shown.
class Viewer {
  outbox = new Outbox()

  constructor(root, signal) {
    this.root = root
    const [original, segmentation] = root.querySelectorAll(".pane")
    this.viewport = new Viewport(root, segmentation, () => this.moved())
    this.choices = new Choices(root, signal, {
      changed: () => this.agrees && this.layers.repaint(),
      mixed: () => this.layers.applyMix(),
    })
    this.layers = new Layers(root, this.choices, this.viewport, this.outbox)
    this.choices.readAddress()
    this.playing = new Playing(root, signal, () => this.loaded && this.show())
    this.regions = new Regions(root, signal, this.layers, this.viewport, () => this.data && this.showFocus())
    this.changes = new Changes(change => this.outbox.add(change), () => this.showUpdating())
    this.bar = new Bar(root, signal, this.changes)
    this.fullScreen = new FullScreen(root, signal, full => {
      this.bar.close()
      if (full) segmentation.focus({ preventScroll: true }) // for its keyboard controls
    })
    this.roi = new RegionOfInterest(root, signal, this.viewport, this.outbox)
    this.tools = [this.roi, new RulerLine(root, signal, this.viewport)]
    this.connectPanes(original, segmentation, signal)
    this.connectButtons(signal)
    const observer = new ResizeObserver(() => {
      if (this.data) this.viewport.setScaling()
      arrangeSwatches(root)
    })
    observer.observe(segmentation)
    signal.addEventListener("abort", () => {
      observer.disconnect()
      clearTimeout(this.timer)
      this.changes.close()
    })
    addEventListener("keydown", event => {
      const closes = () => this.bar.close() || this.fullScreen.leave()
      if (event.key === "Escape" && (this.tools.some(tool => tool.cancel()) || closes())) {
        event.stopPropagation()
      }
    }, { capture: true, signal })
    focus.addEventListener("change", () => this.focusChanged(), { signal })
    onReconnect(signal, () => this.resume())
  }

  connectPanes(original, segmentation, signal) {
    const { viewport, choices } = this
    const pointers = new Map()
    for (const pane of [original, segmentation]) {
      const on = {
        hover: place => this.agrees && showReadout(this, ...place ?? []),
        click: place => this.click(pane === original, ...place),
      }
      listen(pane, signal, { viewport, choices, pointers, on })
    }
  }

  connectButtons(signal) {
    const { root, viewport, bar, fullScreen } = this
    const actions = {
      open: chooseFiles,
      fewer: () => bar.choose(bar.k - 1),
      more: () => bar.choose(bar.k + 1),
      look: () => bar.toggleLooks(),
      in: () => viewport.zoomAt(0.5, 0.5, 2),
      out: () => viewport.zoomAt(0.5, 0.5, 0.5),
      fit: () => viewport.fit(),
      full: () => fullScreen.on ? fullScreen.leave() : fullScreen.enter(),
      clear: () => focus.set([]),
    }
    root.querySelector(".swatches").addEventListener("click", event => {
      const i = [...event.currentTarget.children].indexOf(event.target)
      if (i >= 0) focus.toggle(this.data.groups[i])
    }, { signal })
    for (const button of root.querySelectorAll("[data-do]")) {
      const what = button.dataset.do
      const action = actions[what] ?? (() => this.act(what))
      button.addEventListener("click", action, { signal })
    }
  }

  // Whether the segmentation of the last message is displayed.
  get agrees() {
    return this.data !== undefined && this.data.segmentation === this.latest.segmentation
  }

  update({ data, setTriggerValue }) {
    Object.assign(this, { latest: data, failed: data.stale })
    this.outbox.receive(data.answers, data.visit, setTriggerValue)
    this.changes.receive(data.answers)
    this.bar.update(data)
    download(data.file)
    this.load(data)
    this.showUpdating()
  }

  // Fetch a message's pictures and display everything at once, so that picture, swatches and
  // caption never disagree.
  async load(data) {
    this.layers.setData(data)
    if (this.data) new Image().src = address(data.original) // fetch it in parallel with the labels
    else this.showFirst(data)
    let trouble
    try {
      await this.layers.load()
    } catch (error) {
      trouble = error
    }
    if (data !== this.latest) return
    if (trouble) this.fail(trouble)
    else this.apply(data)
    this.changes.settle()
    this.showUpdating()
  }

  // At the first message, show the original without waiting for the labels, and read the focus from
  // the address before the server overwrites it.
  showFirst(data) {
    showOriginal(this.root, data)
    focus.enter(data.segmentation, data.palette.length)
  }

  fail(error) {
    this.failed = true
    const note = "The picture could not be loaded. Reload the page."
    this.root.querySelector(".readout").textContent = note
    console.warn(error)
  }

  apply(data) {
    const { root, viewport } = this
    this.loaded = data
    viewport.setSizes(data)
    showOriginal(root, data)
    root.classList.toggle("pick", data.pick)
    describe(root, data)
    this.roi.update(data.outline)
    focus.enter(data.segmentation, data.palette.length)
    this.show()
    this.reportFocus()
    if (this.picture !== data.picture) {
      this.picture = data.picture
      viewport.fit()
    }
  }

  // Show the loaded data, or a frame of a run in its place.
  show() {
    const { data, frame } = this.playing.over(this.loaded)
    this.data = data
    this.layers.setShown(data, frame)
    showSwatches(this.root, data)
    this.showFocus()
    this.playing.show(frame)
    this.regions.show()
  }

  // Send an action on the clusters in focus, which are those of the displayed segmentation.
  act(what) {
    const { segmentation } = this.data
    this.outbox.add({ what, segmentation, clusters: [...focus.clusters] })
  }

  click(onOriginal, u, v) {
    const tool = this.tools.find(({ active }) => active)
    if (tool) return tool.clicked([u, v])
    if (!this.agrees) return
    const group = groupAt(this, u, v)
    const picks = this.data.pick && (onOriginal || this.layers.frame?.rgba)
    if (picks) this.outbox.add({ what: "pick", x: u, y: v })
    else if (!this.regions.pick(u, v) && group !== null) focus.toggle(this.data.groups[group])
    showReadout(this, u, v)
  }

  focusChanged() {
    if (!this.agrees) return
    this.showFocus()
    this.layers.paintVeil()
    this.reportFocus()
  }

  showFocus() {
    showFocus(this.root, this.data)
    showReadout(this)
  }

  // Mark the pictures while they do not match the controls.
  showUpdating() {
    const waits = this.changes.busy || (!this.agrees && !this.failed)
    const state = waits ? "waiting" : this.failed ? "failed" : ""
    const { dataset } = this.root
    if (state === (dataset.updating ?? "")) return
    if (state) dataset.updating = state
    else delete dataset.updating
    this.root.querySelector(".pictures").ariaBusy = String(waits)
    dispatchEvent(new CustomEvent("kmseg:updating", { detail: Boolean(state) }))
  }

  // After a reconnection, run the page again with the actions taken meanwhile.
  resume() {
    if (this.data) this.act("focus")
  }

  // Views that offer files need the focus on the server.
  reportFocus() {
    if (this.data.notify && this.data.focus !== focus.text) {
      this.act("focus")
    }
  }

  moved() {
    this.layers.applyMix()
    this.regions?.drawBox()
    clearTimeout(this.timer)
    this.timer = setTimeout(() => requestDetail(this), DETAIL_DELAY)
  }
}

export default component(".viewer", (root, signal) => {
  const viewer = new Viewer(root, signal)
  return message => viewer.update(message)
})
