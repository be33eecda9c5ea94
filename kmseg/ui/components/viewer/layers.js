import { address } from "../shared/server_url.js"
import { focus } from "../shared/focus.js"
import { clamp, sleep } from "../shared/helpers.js"
import { screen } from "../shared/screen.js"
import { showCaption } from "./clusters.js"
import { decodeLabels } from "./codec.js"
import { pack, rgb, veilColor } from "../shared/colors.js"
import { Gone, fetchFrom } from "./fetching.js"
import { relabeller } from "./relabel.js"
import { paintBoundaries, paintLabels, paintPixels } from "./labels.js"

const VEIL_ALPHA = 215

const RETRIES = 5
const RETRY = 1500 // milliseconds
const SLOW = 500 // milliseconds to fetch a preview's labels above which the connection is slow

const fetchLabels = async url => (
  decodeLabels(new Uint8Array(await (await fetchFrom(url)).arrayBuffer()))
)

function placedAt(region, raster) {
  const { x, y, width, height, exact } = region
  return { x, y, width, height, exact, raster }
}

// The canvases: segmentation and veil over the preview, and over the detail, a region of the
// picture at the resolution of the screen. `preview` has width, height and labels. `detail` has its
// position x, y and its width and height in the full picture; its `raster` has the labels, and
// `exact` is whether its original has exact colors. While a frame of a run is shown, the frame takes
// the place of the preview, `shown` is the data with the frame's clusters, and there is no detail.
export class Layers {
  retries = 0
  frame = null

  constructor(root, choices, viewport, outbox) {
    Object.assign(this, { root, choices, viewport, outbox })
    screen.canvas = root.querySelector(".segmentation:not(.region)")
    screen.original = root.querySelector(".right img.original:not(.region)")
  }

  // The data to load.
  setData(data) {
    this.data = data
  }

  // The data to paint, and the frame that takes the place of the preview, or null.
  setShown(shown, frame) {
    const changed = (frame === null) !== (this.frame === null)
    Object.assign(this, { shown, frame })
    this.groupOf = new Uint8Array(256).fill(255)
    shown.groups.forEach((group, i) => group.forEach(cluster => (this.groupOf[cluster] = i)))
    if (changed && this.preview) this.placeDetail()
    this.repaint()
  }

  // What is painted: the preview, or a frame in its place; and the detail over it.
  get raster() {
    return this.frame ?? this.preview
  }

  get visibleDetail() {
    return this.frame ? undefined : this.detail
  }

  // Fetch and paint the data's pictures, unless newer data arrives meanwhile.
  async load() {
    const { data, root } = this
    const region = data.region
    root.dataset.asked = data.labels
    if (root.dataset.held !== data.nearest?.pixels) delete root.dataset.held
    if (this.labelsUrl !== data.labels) {
      this.labelsUrl = data.labels
      this.loadingLabels = this.findLabels(data)
    }
    if (this.regionUrl !== region?.labels) {
      this.regionUrl = region?.labels
      this.loadingRegion = region && this.first(fetchLabels(region.labels))
    }
    try {
      const [preview, raster] = await Promise.all([this.loadingLabels, this.loadingRegion])
      if (data !== this.data) return
      this.preview = preview
      this.detail = raster && placedAt(region, raster)
      this.region = region
      this.placeDetail()
      root.dataset.shown = data.labels
      this.retries = 0
      this.holdPixels(data)
    } catch (error) {
      if (data !== this.data) return
      this.labelsUrl = this.regionUrl = undefined // the next message tries again
      if (!(error instanceof Gone) || ++this.retries > RETRIES) throw error
      this.outbox.add({ what: "refresh" }) // requests new addresses; they may be the same
      await sleep(RETRY)
      if (data === this.data) await this.load()
    }
  }

  // Labels of the preview: computed here if possible, otherwise fetched. On a fast connection,
  // fetching them is faster than converting the colors into another space.
  async findLabels({ labels, nearest, space }) {
    if (nearest && relabeller.holds(nearest.pixels)) {
      if (this.slow) await relabeller.convert(space)
      const found = relabeller.label(nearest, space)
      if (found) return found
    }
    const begin = performance.now()
    const fetched = await this.first(fetchLabels(labels))
    this.slow = performance.now() - begin > SLOW
    return fetched
  }

  // Wait for a transfer; the transfer of the exact pixels is paused meanwhile.
  async first(transfer) {
    const resume = relabeller.pause()
    try {
      return await transfer
    } finally {
      resume()
    }
  }

  // Fetch the exact pixels after the pictures, and after the icon font, which waits for the first.
  async holdPixels({ nearest, space }) {
    await this.root.querySelector("img.original").decode().catch(() => {})
    dispatchEvent(new Event("kmseg-painted"))
    await document.fonts.ready
    if (!nearest || navigator.connection?.saveData || this.data.nearest !== nearest) return
    const { pixels } = nearest
    await relabeller.hold(nearest, this.preview, space).catch(console.warn)
    const current = this.data.nearest?.pixels === pixels // the picture may have changed meanwhile
    if (current && relabeller.holds(pixels)) this.root.dataset.held = pixels
  }

  // Whether the detail covers a box of the full picture at this density (pixels per pixel).
  hasDetail([x0, y0, x1, y1], density) {
    const { detail } = this
    return detail && x0 >= detail.x && y0 >= detail.y
      && x1 <= detail.x + detail.width && y1 <= detail.y + detail.height
      && detail.raster.width >= 0.95 * Math.min(density, 1) * detail.width
  }

  placeDetail() {
    const { region, root, visibleDetail: detail } = this
    for (const element of root.querySelectorAll(".region")) {
      element.hidden = !detail
      if (!detail) continue
      const [w, h] = this.data.full
      // Use a transform: browsers round left and width before they apply the zoom.
      element.style.transform = `translate(${100 * detail.x / w}%, ${100 * detail.y / h}%) `
        + `scale(${detail.width / w}, ${detail.height / h})`
      if (element.localName === "img") element.src = address(region.original)
    }
    this.applyMix()
  }

  // Blend the segmentation, or clip it at the divider, which does not move with the picture. The
  // original below is hidden, so that it does not show through pixels without a cluster.
  applyMix() {
    const { layout, mix, paint } = this.choices
    const { x, zoom } = this.viewport
    const divider = (mix / 100 - x) / zoom // as a fraction of the picture
    const alone = this.raster && paint !== "boundaries"
    for (const layer of this.root.querySelectorAll(".right img.original, .segmentation")) {
      const full = this.data?.full[0]
      const inDetail = this.visibleDetail && layer.classList.contains("region")
      const [left, width] = inDetail ? [this.detail.x / full, this.detail.width / full] : [0, 1]
      const part = 100 * clamp((divider - left) / width, 0, 1)
      if (layer.localName === "canvas") {
        layer.style.clipPath = layout === "swipe" ? `inset(0 0 0 ${part}%)` : ""
        layer.style.opacity = layout === "blend" ? mix / 100 : ""
      } else {
        const covered = layout === "side" || (layout === "blend" && mix === 100)
        layer.style.clipPath = alone && layout === "swipe" ? `inset(0 ${100 - part}% 0 0)` : ""
        layer.style.opacity = alone && covered ? 0 : ""
      }
    }
  }

  repaint() {
    const { shown, frame, root, raster, visibleDetail } = this
    if (!raster || !shown) return
    const { paint } = this.choices
    const last = Math.max(shown.groups.length - 1, 1)
    const colors = new Uint32Array(256)
    shown.groups.forEach((group, i) => {
      const level = Math.round(255 * i / last)
      const color = paint === "gray" ? [level, level, level] : rgb(shown.colors[i])
      for (const cluster of group) colors[cluster] = pack(color)
    })
    const layers = [[".segmentation:not(.region)", raster]]
    if (visibleDetail) layers.push([".segmentation.region", visibleDetail.raster])
    for (const [selector, layer] of layers) {
      const canvas = root.querySelector(selector)
      if (!layer.labels) paintPixels(canvas, layer)
      else if (paint === "boundaries") paintBoundaries(canvas, layer, this.groupOf)
      else paintLabels(canvas, layer, colors)
    }
    if (!frame) showCaption(root, shown, paint)
    this.paintVeil()
  }

  // Cover the clusters that are not in focus, if any cluster is.
  paintVeil() {
    const { shown, root, visibleDetail } = this
    const some = focus.clusters.size > 0 && Boolean(this.raster?.labels)
    const colors = new Uint32Array(256)
    if (some) {
      const veil = pack(this.veilColor([...focus.clusters]), VEIL_ALPHA)
      for (let c = 0; c < shown.palette.length; c++) colors[c] = focus.clusters.has(c) ? 0 : veil
    }
    for (const canvas of root.querySelectorAll(".veil")) {
      const layer = canvas.classList.contains("region") ? visibleDetail?.raster : this.raster
      canvas.style.visibility = some && layer ? "" : "hidden"
      if (some && layer) paintLabels(canvas, layer, colors)
    }
  }

  // The color that covers everything but these clusters.
  veilColor(clusters) {
    const { backgroundColor, color } = getComputedStyle(this.root)
    const [background, text] = [backgroundColor, color].map(css => (
      css.match(/\d+/g).slice(0, 3).map(Number)
    ))
    const focused = clusters.map(cluster => rgb(this.shown.palette[cluster]))
    return veilColor(focused, background, text)
  }
}
