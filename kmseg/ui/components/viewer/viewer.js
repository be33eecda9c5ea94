import { address } from "../shared/address.js"
import { component } from "../shared/component.js"
import { onReconnect } from "../shared/connection.js"
import { focus } from "../shared/focus.js"
import { Choices } from "./choices.js"
import { showFocus, showSwatches } from "./clusters.js"
import { listen } from "./gestures.js"
import { Layers } from "./layers.js"
import { groupAt, showReadout } from "./readout.js"
import { Viewport } from "./viewport.js"

const DETAIL_DELAY = 150 // milliseconds of rest before the viewer asks for detail

let downloaded // id of the last file that was saved

class Viewer {
  constructor(root, signal) {
    this.root = root
    const [original, segmentation] = root.querySelectorAll(".pane")
    this.viewport = new Viewport(root, segmentation, () => this.moved())
    this.choices = new Choices(root, signal, {
      changed: () => this.layers.repaint(),
      mixed: () => this.layers.applyMix(),
    })
    this.layers = new Layers(root, this.choices, this.viewport)
    this.choices.readAddress()

    const pointers = new Map()
    for (const pane of [original, segmentation]) {
      listen(pane, signal, {
        viewport: this.viewport,
        choices: this.choices,
        pointers,
        on: {
          hover: event => showReadout(this, ...event ? this.viewport.positionOf(event) : []),
          click: event => this.click(pane === original, ...this.viewport.positionOf(event)),
        },
      })
    }
    this.connectButtons(signal)
    this.connectFullScreen(segmentation, signal)
    const observer = new ResizeObserver(() => this.data && this.viewport.setScaling())
    observer.observe(segmentation)
    signal.addEventListener("abort", () => {
      observer.disconnect()
      clearTimeout(this.timer)
    })
    focus.addEventListener("change", () => this.focusChanged(), { signal })
    onReconnect(signal, () => this.resume())
  }

  connectButtons(signal) {
    const { root, viewport } = this
    const actions = {
      in: () => viewport.zoomAt(0.5, 0.5, 2),
      out: () => viewport.zoomAt(0.5, 0.5, 0.5),
      fit: () => viewport.fit(),
      full: () => document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen(),
      clear: () => focus.set([]),
      fewer: () => this.requestK(this.k - 1),
      more: () => this.requestK(this.k + 1),
    }
    root.querySelector(".swatches").addEventListener("click", event => {
      const i = [...event.currentTarget.children].indexOf(event.target)
      if (i >= 0) focus.toggle(this.data.groups[i])
    }, { signal })
    for (const button of root.querySelectorAll("[data-do]")) {
      const what = button.dataset.do
      const action = actions[what] ?? (() => this.act({ what, clusters: [...focus.clusters] }))
      button.addEventListener("click", action, { signal })
    }
  }

  connectFullScreen(pane, signal) {
    const { root } = this
    const button = root.querySelector("[data-do=full]")
    button.hidden = !root.requestFullscreen
    root.addEventListener("fullscreenchange", () => {
      const full = Boolean(document.fullscreenElement)
      button.textContent = full ? "Leave full screen" : "Full screen"
      if (full) pane.focus() // so that its keys work
      this.requestedK = undefined
      this.showK(this.data.k)
    }, { signal })
  }

  update({ data, setTriggerValue }) {
    const { root } = this
    Object.assign(this, { data, send: setTriggerValue })
    this.viewport.setSizes(data)
    this.layers.setData(data)
    showSwatches(root, data)
    // An answer to an earlier click must not undo a later one.
    if ([undefined, data.k].includes(this.requestedK)) {
      this.requestedK = undefined
      this.showK(data.k)
    } else if (this.visit !== data.visit) {
      this.requestK(this.requestedK)
    }
    this.visit = data.visit
    focus.enter(data.segmentation, data.palette.length)
    this.showFocus()
    root.style.setProperty("--aspect", data.width / data.height)
    root.classList.toggle("pick", data.pick)
    for (const image of root.querySelectorAll("img.original:not(.region)")) {
      const source = address(data.original)
      if (image.src !== source) image.src = source
    }
    root.querySelector(".original").alt = data.alt
    root.querySelector(".hint").textContent = data.hint
    root.querySelector("canvas.segmentation").setAttribute("aria-label", data.description)
    this.load()
    this.download(data.file)
    this.reportFocus()
    if (this.picture !== data.picture) {
      this.picture = data.picture
      this.viewport.fit()
    }
  }

  async load() {
    try {
      await this.layers.load()
    } catch (error) {
      const note = "The picture did not arrive. Reload the page."
      this.root.querySelector(".readout").textContent = note
      console.warn(error)
    }
  }

  act(action) {
    this.send("action", action)
  }

  click(onOriginal, u, v) {
    const group = groupAt(this, u, v)
    if (this.data.pick && onOriginal) this.send("picked", { x: u, y: v })
    else if (group !== null) focus.toggle(this.data.groups[group])
    showReadout(this, u, v)
  }

  focusChanged() {
    this.showFocus()
    this.layers.paintVeil()
    this.reportFocus()
  }

  showFocus() {
    showFocus(this.root, this.data)
    showReadout(this)
  }

  showK(k) {
    const [least, most] = this.data.ks
    this.k = k
    this.root.querySelector(".clusters output").textContent = `K = ${k}`
    this.root.querySelector("[data-do=fewer]").disabled = k <= least
    this.root.querySelector("[data-do=more]").disabled = k >= most
  }

  requestK(k) {
    this.requestedK = k
    this.showK(k)
    this.act({ what: "k", k })
  }

  // Run the page again after the server was away, with the K that was asked for meanwhile. A server
  // that was started anew begins another visit, does not know this viewer yet, and answers with the
  // K of the address; then it is asked once more.
  resume() {
    if (this.requestedK !== undefined) this.requestK(this.requestedK)
    else this.act({ what: "focus", clusters: [...focus.clusters] })
  }

  // Where files are offered, the server needs to know the focus.
  reportFocus() {
    if (this.data.notify && this.data.focus !== focus.text) {
      this.act({ what: "focus", clusters: [...focus.clusters] })
    }
  }

  moved() {
    this.layers.applyMix()
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.requestDetail(), DETAIL_DELAY)
  }

  // Ask for every pixel of what is in view, and half as much on each side of it.
  requestDetail() {
    if (!this.viewport.needsDetail) return
    const { detail } = this.layers
    const [width, height] = this.data.full
    const [x0, y0, x1, y1] = this.viewport.bounds.map((side, i) => side * (i % 2 ? height : width))
    const inside = detail && x0 >= detail.x && y0 >= detail.y
      && x1 <= detail.x + detail.width && y1 <= detail.y + detail.height
    if (inside) return
    const [dx, dy] = [(x1 - x0) / 2, (y1 - y0) / 2]
    this.send("region", [x0 - dx, y0 - dy, x1 + dx, y1 + dy].map(Math.round))
  }

  // Save a file that was asked for, once.
  download(file) {
    if (!file || downloaded === file.id) return
    downloaded = file.id
    const link = document.createElement("a")
    link.href = address(file.url)
    link.download = file.name
    link.click()
  }
}

export default component(".viewer", (root, signal) => {
  const viewer = new Viewer(root, signal)
  return message => viewer.update(message)
})
