import { component } from "../shared/component.js"
import { focus } from "../shared/focus.js"
import { composeFigure, initialCamera } from "./figure.js"
import { hasWebGL, loadPlotly } from "./plotly.js"
import { loadPoints } from "./points.js"
import { steer } from "./steering.js"

const NO_WEBGL = "This browser cannot draw in 3-D (WebGL is switched off or missing), so the "
  + "colour cloud is not shown. Everything else on the page works without it."
const NOT_LOADED = "The 3-D view could not be loaded. Reload the page to try again."

const cameras = new Map() // key of the cloud -> camera; outlives the element

class Cloud {
  run = 0 // counts the calls of draw(): a newer one cancels earlier ones
  drawn = false
  pointed = null // the cluster under the pointer
  tagClicked = false

  constructor(root, signal) {
    this.root = root
    this.plot = root.querySelector(".kmseg-cloud-plot")
    steer(this, this.plot, signal)
    const [reset, save] = root.querySelectorAll("button")
    reset.addEventListener("click", () => this.reset(), { signal })
    save.addEventListener("click", () => this.save(), { signal })
    const observer = new ResizeObserver(() => {
      if (this.drawn && this.plot.clientWidth) window.Plotly.Plots.resize(this.plot)
    })
    observer.observe(this.plot)
    focus.addEventListener("change", () => this.drawn && this.draw(), { signal })
    signal.addEventListener("abort", () => {
      this.run += 1
      observer.disconnect()
      cancelAnimationFrame(this.frame)
      window.Plotly?.purge(this.plot)
    })
  }

  update({ data }) {
    this.data = data
    focus.enter(data.segmentation, data.count)
    this.plot.setAttribute("aria-label", data.summary)
    this.draw()
  }

  async draw() {
    const run = ++this.run
    const { data, plot, root } = this
    const note = root.querySelector(".kmseg-cloud-note")
    if (!this.drawn && !hasWebGL()) {
      plot.hidden = true
      note.textContent = NO_WEBGL
      return
    }
    try {
      if (this.pointsUrl !== data.points) {
        this.pointsUrl = data.points
        this.loadingPoints = loadPoints(data.points)
      }
      const [Plotly, points] = await Promise.all([loadPlotly(data.plotly), this.loadingPoints])
      if (run !== this.run) return
      plot.hidden = false
      const figure = composeFigure(data, points, this.getCamera(), root, plot)
      const config = { displayModeBar: false, showTips: false }
      await Plotly.react(plot, figure.data, figure.layout, config)
      if (!this.drawn) this.listen()
      this.drawn = true
      note.textContent = ""
    } catch (error) {
      if (run !== this.run) return
      this.pointsUrl = undefined // the next message tries again
      plot.hidden = true
      note.textContent = NOT_LOADED
      console.error(error)
    }
  }

  listen() {
    const { plot } = this
    const point = event => {
      this.pointed = event.points?.[0]?.customdata?.[3] ?? null
    }
    plot.on("plotly_hover", point)
    plot.on("plotly_click", point)
    plot.on("plotly_unhover", () => {
      this.pointed = null
    })
    plot.on("plotly_clickannotation", event => {
      this.tagClicked = true // so that the point behind it is not clicked too
      this.toggle(event.index)
    })
  }

  isDrawn() {
    return this.drawn
  }

  press() {
    this.tagClicked = false
  }

  click() {
    // Plotly updates the point under the pointer in its next frame.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (this.pointed !== null && !this.tagClicked) this.toggle(this.pointed)
    }))
  }

  toggle(group) {
    focus.toggle(this.data.groups[group])
  }

  getCamera() {
    return cameras.get(this.data.key) ?? initialCamera(this.data, this.plot)
  }

  setCamera(camera) {
    cameras.set(this.data.key, camera)
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0
      window.Plotly.relayout(this.plot, { "scene.camera": this.getCamera() })
    })
  }

  reset() {
    if (this.drawn) this.setCamera(initialCamera(this.data, this.plot))
  }

  save() {
    if (!this.drawn) return
    const { clientWidth: width, clientHeight: height } = this.plot
    const picture = { format: "png", filename: "colour-cloud", scale: 2, width, height }
    window.Plotly.downloadImage(this.plot, picture)
  }
}

export default component(".kmseg-cloud", (root, signal) => {
  const cloud = new Cloud(root, signal)
  return message => cloud.update(message)
})
