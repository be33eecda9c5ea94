import { pack } from "../shared/colors.js"
import { overlay } from "../shared/overlay.js"
import { add } from "../shared/svg.js"
import { show } from "./labels.js"

const LEAST_BOX = 12 // CSS pixels: the box around a smaller region is larger than it

// Shows the regions of another component over the pictures: a veil over some, and a box around one.
export class Regions {
  // changed() is called when regions begin or cease to be shown.
  constructor(root, signal, layers, viewport, changed) {
    Object.assign(this, { root, layers, viewport, changed })
    overlay.addEventListener("change", () => this.show(), { signal })
  }

  // The regions of the displayed segmentation, or null.
  get shown() {
    const { regions } = overlay
    return regions && !this.layers.frame && regions.labels === this.layers.data?.labels ? regions : null
  }

  show() {
    if (this.some !== Boolean(overlay.regions)) {
      this.some = Boolean(overlay.regions)
      this.changed()
    }
    this.paintVeil()
    this.drawBox()
  }

  paintVeil() {
    const { root, shown } = this
    const veiled = shown !== null && shown.veils.some(Boolean)
    for (const canvas of root.querySelectorAll(".dimming")) canvas.hidden = !veiled
    if (!veiled) return
    const { width, height, numbers, veils, clusters } = shown
    const [r, g, b] = this.layers.veilColor(clusters)
    const colors = Uint32Array.from(veils, alpha => alpha && pack([r, g, b], alpha))
    if (this.image?.width !== width || this.image.height !== height) this.image = new ImageData(width, height)
    const out = new Uint32Array(this.image.data.buffer)
    for (let i = 0; i < out.length; i++) out[i] = colors[numbers[i]]
    for (const canvas of root.querySelectorAll(".dimming")) show(canvas, this.image)
  }

  drawBox() {
    const { root, shown, viewport } = this
    for (const svg of root.querySelectorAll(".box")) {
      svg.replaceChildren()
      if (!shown?.box) continue
      const { clientWidth, clientHeight } = svg.closest(".pane")
      const [left, top, right, bottom] = shown.box
      const sides = [clientWidth, clientHeight].map(side => LEAST_BOX / (side * viewport.zoom || 1))
      const width = Math.max(right - left, sides[0])
      const height = Math.max(bottom - top, sides[1])
      const x = (left + right - width) / 2
      const y = (top + bottom - height) / 2
      for (const line of ["halo", "line"]) add(svg, "rect", { x, y, width, height, class: line })
    }
  }

  // Choose the region at a point; returns whether there are regions to choose from.
  pick(u, v) {
    const { shown } = this
    if (!shown) return false
    const { width, height, numbers } = shown
    if (u < 0 || v < 0 || u >= 1 || v >= 1) return true
    overlay.pick(numbers[Math.floor(v * height) * width + Math.floor(u * width)])
    return true
  }
}
