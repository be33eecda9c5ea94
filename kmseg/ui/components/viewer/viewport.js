import { clamp } from "../shared/helpers.js"

const MOST_ENLARGED = 32 // CSS pixels per pixel of the photo
const FINEST = 2 // cap on device pixels per CSS pixel; more is not visible in a photo

// The part of the picture that is visible. `x` and `y` are the picture's top-left corner, as
// fractions of the pane; `zoom` is 1 when the whole picture fits.
export class Viewport {
  zoom = 1
  x = 0
  y = 0

  // `moved` is called after every change.
  constructor(root, pane, moved) {
    Object.assign(this, { root, pane, moved })
  }

  setSizes(data) {
    this.previewWidth = data.width
    this.fullWidth = data.full[0]
  }

  get greatestZoom() {
    return Math.max(MOST_ENLARGED * this.fullWidth / (this.pane.clientWidth || 1), 1)
  }

  // [left, top, right, bottom] of the visible part, as fractions of the picture.
  get bounds() {
    return [-this.x, -this.y, 1 - this.x, 1 - this.y].map(side => side / this.zoom)
  }

  // Device pixels per pixel of the photo.
  get density() {
    return Math.min(devicePixelRatio, FINEST) * this.pane.clientWidth * this.zoom / this.fullWidth
  }

  // Whether the preview has too few pixels, or not their exact colors, for this zoom.
  get needsDetail() {
    return this.zoom > 1 && this.density * this.fullWidth > this.previewWidth
  }

  // A point of the pane, [u, v], as fractions of the picture.
  inPicture([u, v]) {
    return [(u - this.x) / this.zoom, (v - this.y) / this.zoom]
  }

  // Zoom around the point (u, v) of the pane, which stays where it is.
  zoomAt(u, v, factor) {
    const zoom = clamp(this.zoom * factor, 1, this.greatestZoom)
    const ratio = zoom / this.zoom
    this.moveTo(zoom, u - (u - this.x) * ratio, v - (v - this.y) * ratio)
  }

  moveBy(dx, dy) {
    this.moveTo(this.zoom, this.x + dx, this.y + dy)
  }

  fit() {
    this.moveTo(1, 0, 0)
  }

  moveTo(zoom, x, y) {
    const { root } = this
    this.zoom = zoom
    this.x = clamp(x, 1 - zoom, 0)
    this.y = clamp(y, 1 - zoom, 0)
    root.style.setProperty("--zoom", this.zoom)
    root.style.setProperty("--x", this.x)
    root.style.setProperty("--y", this.y)
    root.classList.toggle("zoomed", zoom > 1)
    root.querySelector(".zoom output").textContent = `${Number(zoom.toFixed(1))} ×`
    root.querySelector("[data-do=out]").disabled = zoom === 1
    root.querySelector("[data-do=fit]").disabled = zoom === 1
    root.querySelector("[data-do=in]").disabled = zoom >= this.greatestZoom
    this.setScaling()
    this.moved()
  }

  // Enlarged pixels get hard edges; reduced pictures are smoothed.
  setScaling() {
    const shown = this.pane.clientWidth * this.zoom * devicePixelRatio
    this.root.classList.toggle("crisp", shown >= this.previewWidth)
  }
}
