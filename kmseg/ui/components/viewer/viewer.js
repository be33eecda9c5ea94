const views = new WeakMap() // root element -> its viewer
const MOST_ENLARGED = 32 // screen pixels for a pixel of the photo
const CHOICES = ["layout", "paint"]
const PAINTED = {
  colors: "painted in mean colours",
  gray: "black is the largest",
  boundaries: "their boundaries over the original",
}
const several = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`
const clamp = (value, low, high) => Math.min(Math.max(value, low), high)

// Pixel values of an indexed PNG that Python wrote: 8 bits, no filters. No canvas is asked, as a
// browser may answer with noise to keep its owner from being recognised.
async function readLabels(url) {
  const response = await fetch(address(url))
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  const bytes = new Uint8Array(await response.arrayBuffer())
  const view = new DataView(bytes.buffer)
  const chunks = {}
  for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at)) {
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    chunks[name] = bytes.subarray(at + 8, at + 8 + view.getUint32(at))
  }
  const [width, height] = [view.getUint32(16), view.getUint32(20)]
  const stream = new Blob([chunks.IDAT]).stream().pipeThrough(new DecompressionStream("deflate"))
  const rows = new Uint8Array(await new Response(stream).arrayBuffer())
  const labels = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    labels.set(rows.subarray(y * (width + 1) + 1, (y + 1) * (width + 1)), y * width)
  }
  return { width, height, labels }
}

const rgb = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16))
const luminance = color => times([[0.2126, 0.7152, 0.0722]], color.map(linear))[0] // WCAG 2.2
const packed = ([r, g, b], alpha = 255) => ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0

// Put one colour for each label onto a canvas.
function paint(canvas, { width, height, labels }, colors) {
  const image = new ImageData(width, height)
  const out = new Uint32Array(image.data.buffer)
  for (let i = 0; i < out.length; i++) out[i] = colors[labels[i]]
  put(canvas, image)
}

// Pixels with another group to their right or below them.
function paintBoundaries(canvas, { width, height, labels }, groups) {
  const image = new ImageData(width, height)
  const out = new Uint32Array(image.data.buffer)
  const line = packed([255, 225, 0])
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const group = groups[labels[i]]
      const beside = x + 1 < width && groups[labels[i + 1]] !== group
      const below = y + 1 < height && groups[labels[i + width]] !== group
      if (beside || below) out[i] = line
    }
  }
  put(canvas, image)
}

function put(canvas, image) {
  canvas.width = image.width
  canvas.height = image.height
  canvas.getContext("2d").putImageData(image, 0, 0)
}

class Viewer {
  zoom = 1
  x = 0
  y = 0
  mix = 50
  held = new Map() // pointer id -> where it is

  constructor(root) {
    this.root = root
    this.panes = [...root.querySelectorAll(".pane")]
    this.linked()
    for (const pane of this.panes) this.listen(pane)
    for (const input of root.querySelectorAll("fieldset input")) {
      input.onchange = () => this.choose(input.name, input.value)
    }
    const slider = root.querySelector(".mix input")
    slider.oninput = () => this.setMix(Number(slider.value))
    const actions = {
      in: () => this.zoomAt(0.5, 0.5, 2),
      out: () => this.zoomAt(0.5, 0.5, 0.5),
      fit: () => this.move(1, 0, 0),
      full: () => document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen(),
      clear: () => focus.set([]),
      fewer: () => this.cluster(this.k - 1),
      more: () => this.cluster(this.k + 1),
    }
    for (const button of root.querySelectorAll("[data-do]")) {
      const what = button.dataset.do
      button.onclick = actions[what] ?? (() => this.act({ what, clusters: [...focus.clusters] }))
    }
    root.onfullscreenchange = () => {
      const title = document.fullscreenElement ? "Leave full screen" : "Full screen"
      if (document.fullscreenElement) this.panes[1].focus() // so that its keys work
      this.asked = undefined
      this.showK(this.data.k)
      root.querySelector("[data-do=full]").textContent = title
    }
    if (!root.requestFullscreen) root.querySelector("[data-do=full]").hidden = true
    this.observer = new ResizeObserver(() => this.data && this.crisp())
    this.observer.observe(this.panes[1])
    this.focused = () => {
      this.showFocus()
      this.veil()
      this.tell()
    }
    this.navigated = () => this.linked() || this.repaint()
    focus.addEventListener("change", this.focused)
    addEventListener("popstate", this.navigated)
  }

  close() {
    focus.removeEventListener("change", this.focused)
    removeEventListener("popstate", this.navigated)
    this.observer.disconnect()
    clearTimeout(this.timer)
  }

  // Layout and paint as the address has them.
  linked() {
    for (const name of CHOICES) {
      const inputs = this.root.querySelectorAll(`input[name=${name}]`)
      const allowed = [...inputs].map(input => input.value)
      const value = focus.inAddress(name)
      this[name] = allowed.includes(value) ? value : allowed[0]
      focus.values.set(name, this[name])
    }
    this.showChoices()
  }

  choose(name, value) {
    this[name] = value
    focus.keep(name, value)
    this.showChoices()
    this.repaint()
  }

  showChoices() {
    const { root } = this
    for (const name of CHOICES) {
      root.querySelector(`input[name=${name}][value=${this[name]}]`).checked = true
    }
    root.classList.toggle("one", this.layout !== "side")
    root.querySelector(".mix").hidden = this.layout === "side"
    root.querySelector(".mix span").textContent = this.layout === "swipe" ? "Swipe" : "Blend"
    this.setMix(this.mix)
  }

  setMix(mix) {
    const { root } = this
    this.mix = mix
    root.querySelector(".mix input").value = mix
    root.querySelector(".divider").hidden = this.layout !== "swipe"
    root.style.setProperty("--mix", `${mix}%`)
    for (const canvas of root.querySelectorAll(".segmentation")) {
      canvas.style.opacity = this.layout === "blend" ? mix / 100 : ""
    }
    this.clip()
  }

  // The part of the segmentation right of the divider, which does not move with the picture.
  clip() {
    const edge = (this.mix / 100 - this.x) / this.zoom // in parts of the picture
    for (const canvas of this.root.querySelectorAll(".segmentation")) {
      const [left, width] = canvas.dataset.span?.split(" ").map(Number) ?? [0, 1]
      const part = clamp((edge - left) / width, 0, 1)
      canvas.style.clipPath = this.layout === "swipe" ? `inset(0 0 0 ${100 * part}%)` : ""
    }
  }

  update(data, act, pick, ask) {
    const { root } = this
    Object.assign(this, { data, act, pick, ask })
    this.total = data.counts.reduce((sum, count) => sum + count, 0)
    this.groupOf = new Uint8Array(256).fill(255)
    data.groups.forEach((group, i) => group.forEach(cluster => (this.groupOf[cluster] = i)))
    this.showSwatches()
    // An answer to an earlier click is no news.
    if ([undefined, data.k].includes(this.asked)) {
      this.asked = undefined
      this.showK(data.k)
    }
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
    this.take(data.file)
    this.tell()
    if (this.picture !== data.picture) {
      this.picture = data.picture
      this.move(1, 0, 0)
    }
  }

  showK(k) {
    const [least, most] = this.data.ks
    this.k = k
    this.root.querySelector(".clusters output").textContent = `K = ${k}`
    this.root.querySelector("[data-do=fewer]").disabled = k <= least
    this.root.querySelector("[data-do=more]").disabled = k >= most
  }

  cluster(k) {
    this.asked = k
    this.showK(k)
    this.act({ what: "k", k })
  }

  // What is made of the clusters in focus on the server has to be of these.
  tell() {
    if (this.data.notify && this.data.focus !== focus.text) {
      this.act({ what: "focus", clusters: [...focus.clusters] })
    }
  }

  async load() {
    const { data, root } = this
    root.dataset.asked = data.labels
    if (this.shown !== data.labels) {
      this.shown = data.labels
      this.coming = readLabels(data.labels)
    }
    if (this.part !== data.region?.labels) {
      this.part = data.region?.labels
      this.partComing = data.region && readLabels(data.region.labels)
    }
    try {
      const [labels, region] = await Promise.all([this.coming, this.partComing])
      if (data !== this.data) return // newer data came meanwhile
      this.labels = labels
      this.region = region && { ...data.region, ...region }
      this.place()
      this.repaint()
      root.dataset.shown = data.labels
    } catch (error) {
      if (data !== this.data) return
      this.shown = this.part = undefined
      root.querySelector(".readout").textContent = "The picture did not arrive. Reload the page."
      console.warn(error)
    }
  }

  // Lay the part that has every pixel over the preview.
  place() {
    const { region, root } = this
    for (const element of root.querySelectorAll(".region")) {
      element.hidden = !region
      if (!region) continue
      const [w, h] = this.data.full
      // Not by left and width: those are rounded before they are enlarged.
      element.style.transform = `translate(${100 * region.x / w}%, ${100 * region.y / h}%) `
        + `scale(${region.width / w}, ${region.height / h})`
      element.dataset.span = `${region.x / w} ${region.width / w}`
      if (element.localName === "img") element.src = address(region.original)
    }
    this.clip()
  }

  repaint() {
    const { data, root } = this
    if (!this.labels) return
    const layers = [[".segmentation:not(.region)", this.labels]]
    if (this.region) layers.push([".segmentation.region", this.region])
    const last = Math.max(data.groups.length - 1, 1)
    const colors = new Uint32Array(256)
    data.groups.forEach((group, i) => {
      const level = Math.round(255 * i / last)
      const color = this.paint === "gray" ? [level, level, level] : rgb(data.colors[i])
      for (const cluster of group) colors[cluster] = packed(color)
    })
    for (const [name, layer] of layers) {
      const canvas = root.querySelector(name)
      if (this.paint === "boundaries") paintBoundaries(canvas, layer, this.groupOf)
      else paint(canvas, layer, colors)
    }
    const caption = `${several(data.groups.length, "cluster")}, ${PAINTED[this.paint]}`
    root.querySelector(".caption").textContent = caption
    this.veil()
  }

  // Whatever is not in focus fades into the page, or into its ink where that could hide the focus.
  veil() {
    const { data, root } = this
    const some = focus.clusters.size > 0
    const colors = new Uint32Array(256)
    if (some) {
      const faded = packed(this.veilFor([...focus.clusters]), 215)
      for (let c = 0; c < data.palette.length; c++) colors[c] = focus.clusters.has(c) ? 0 : faded
    }
    for (const canvas of root.querySelectorAll(".veil")) {
      const layer = canvas.classList.contains("region") ? this.region : this.labels
      canvas.style.visibility = some && layer ? "" : "hidden"
      if (some && layer) paint(canvas, layer, colors)
    }
  }

  showFocus() {
    const { data, root } = this
    const some = focus.clusters.size > 0
    root.classList.toggle("some", some)
    const chosen = data.groups.map((group, i) => [group, i]).filter(([group]) => focus.has(group))
    const pixels = chosen.reduce((sum, [, i]) => sum + data.counts[i], 0)
    const names = chosen.map(([, i]) => data.names[i])
    root.querySelector(".focused").textContent = some
      ? `In focus: cluster${names.length === 1 ? "" : "s"} ${names.join(", ")} · `
        + `${several(pixels, "pixel")}, ${(100 * pixels / this.total).toFixed(1)} %`
      : `${data.pick ? "Click the original to set a starting colour; click the segmentation" : "Click a picture"}, `
        + "a swatch or a row to put a cluster in focus."
    root.querySelector(".actions").hidden = !some
    root.querySelector("[data-do=merge]").hidden = chosen.length < 2
    root.querySelector("[data-do=split]").hidden = !chosen.some(([group]) => group.length > 1)
    root.querySelectorAll(".swatches button").forEach((button, i) => {
      button.setAttribute("aria-pressed", String(focus.has(data.groups[i])))
    })
    this.say()
  }

  // The page's colour, its ink or a gray between: what differs most from all that is in focus.
  veilFor(clusters) {
    const { color, backgroundColor } = getComputedStyle(this.root)
    const [ink, page] = [color, backgroundColor].map(css => css.match(/\d+/g).slice(0, 3).map(Number))
    const lights = clusters.map(cluster => luminance(rgb(this.data.palette[cluster])))
    const contrast = other => Math.min(...lights.map(light => {
      const [low, high] = [light, luminance(other)].sort((a, b) => a - b)
      return (high + 0.05) / (low + 0.05)
    }))
    if (contrast(page) >= 1.8) return page
    return [page, ink, [118, 118, 118]].sort((a, b) => contrast(b) - contrast(a))[0]
  }

  showSwatches() {
    const { data, root } = this
    const strip = root.querySelector(".swatches")
    strip.classList.toggle("many", data.groups.length > 12)
    while (strip.children.length > data.groups.length) strip.lastChild.remove()
    data.groups.forEach((group, i) => {
      const button = strip.children[i] ?? strip.appendChild(document.createElement("button"))
      const share = `${(100 * data.counts[i] / this.total).toFixed(1)} %`
      button.type = "button"
      button.textContent = data.names[i]
      button.title = `Cluster ${data.names[i]}, ${data.colors[i]}, ${share}: click to focus`
      button.setAttribute("aria-label", `Cluster ${data.names[i]}, ${data.colors[i]}, ${share}`)
      button.style.flexGrow = 100 * data.counts[i] / this.total
      button.style.background = data.colors[i]
      button.style.color = luminance(rgb(data.colors[i])) > 0.179 ? "#000" : "#fff"
      button.onclick = () => focus.toggle(group)
    })
  }

  // A pixel of the photo: its colour, its coordinates, its cluster.
  say(event) {
    const { data } = this
    const readout = this.root.querySelector(".readout")
    const at = event && this.pixelAt(event)
    if (!at) {
      readout.textContent = "Point at a picture for its colours."
      return
    }
    if (at.group === 255) {
      readout.textContent = `x ${at.x} y ${at.y} · transparent`
      return
    }
    const hex = `#${at.rgb.map(level => level.toString(16).padStart(2, "0")).join("")}`
    const values = SPACES[data.space](at.rgb)
      .map((value, i) => `${data.coordinates[i]} ${Number(value.toFixed(1))}`).join(" ")
    const square = document.createElement("i")
    square.style.background = hex
    const cluster = `cluster ${data.names[at.group]}`
    const about = at.exact ? "" : "about "
    readout.replaceChildren(square, [
      `x ${at.x} y ${at.y}`, about + hex, ...data.space === "rgb" ? [] : [values], cluster,
    ].join(" · "))
  }

  pixelAt(event) {
    const { data, region } = this
    const [u, v] = this.place01(event)
    if (!this.labels || u < 0 || v < 0 || u >= 1 || v >= 1) return null
    const [x, y] = [Math.floor(u * data.full[0]), Math.floor(v * data.full[1])]
    const inside = region && x >= region.x && y >= region.y
      && x < region.x + region.width && y < region.y + region.height
    const layer = inside ? region : this.labels
    const [i, j] = inside ? [x - region.x, y - region.y]
      : [Math.floor(u * layer.width), Math.floor(v * layer.height)]
    const image = this.root.querySelector(inside ? "img.region" : "img.original")
    const color = this.colorAt(image, i, j)
    if (!color) return null
    const group = this.groupOf[layer.labels[j * layer.width + i]]
    const exact = inside || layer.width === data.full[0]
    return { x, y, rgb: color, group, exact }
  }

  // The picture's pixels are read once.
  colorAt(image, x, y) {
    if (!image.complete || !image.naturalWidth) return null
    if (image.kmsegSource !== image.src) {
      const canvas = document.createElement("canvas")
      canvas.width = image.naturalWidth
      canvas.height = image.naturalHeight
      const context = canvas.getContext("2d", { willReadFrequently: true })
      context.drawImage(image, 0, 0)
      Object.assign(image, { kmsegSource: image.src, kmsegPixels: context })
    }
    return [...image.kmsegPixels.getImageData(x, y, 1, 1).data.slice(0, 3)]
  }

  // Where an event is, in parts of the picture's width and height.
  place01(event) {
    const box = event.currentTarget.getBoundingClientRect()
    return [
      ((event.clientX - box.left) / box.width - this.x) / this.zoom,
      ((event.clientY - box.top) / box.height - this.y) / this.zoom,
    ]
  }

  listen(pane) {
    let start = null
    let dragged = false
    pane.onpointerdown = event => {
      if (event.button) return
      start = [event.clientX, event.clientY]
      dragged = false
      this.held.set(event.pointerId, start)
    }
    pane.onpointermove = event => {
      this.say(event)
      if (!event.buttons) this.held.delete(event.pointerId) // it was let go elsewhere
      const before = this.held.get(event.pointerId)
      if (!before) return
      const now = [event.clientX, event.clientY]
      if (!dragged && Math.hypot(now[0] - start[0], now[1] - start[1]) < 4) return
      if (!dragged) pane.setPointerCapture(event.pointerId)
      dragged = true
      this.held.set(event.pointerId, now)
      const box = pane.getBoundingClientRect()
      if (this.held.size === 2) {
        const [, other] = [...this.held].find(([id]) => id !== event.pointerId)
        const gap = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1
        const [u, v] = [(now[0] + other[0]) / 2 - box.left, (now[1] + other[1]) / 2 - box.top]
        this.zoomAt(u / box.width, v / box.height, gap(now) / gap(before))
      } else if (this.zoom > 1) {
        const [dx, dy] = [(now[0] - before[0]) / box.width, (now[1] - before[1]) / box.height]
        this.move(this.zoom, this.x + dx, this.y + dy)
      } else if (this.layout === "swipe") {
        this.setMix(clamp(100 * (now[0] - box.left) / box.width, 0, 100))
      }
    }
    pane.onpointerup = pane.onpointercancel = event => this.held.delete(event.pointerId)
    pane.onpointerleave = () => this.say()
    pane.onclick = event => {
      if (dragged) return
      const at = this.pixelAt(event)
      const [x, y] = this.place01(event)
      if (this.data.pick && pane === this.panes[0]) this.pick({ x, y })
      else if (at && at.group !== 255) focus.toggle(this.data.groups[at.group])
      this.say(event)
    }
    pane.addEventListener("wheel", event => {
      if (!(event.ctrlKey || event.metaKey || this.zoom > 1)) return
      event.preventDefault()
      const box = pane.getBoundingClientRect()
      const factor = Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002))
      const [u, v] = [event.clientX - box.left, event.clientY - box.top]
      this.zoomAt(u / box.width, v / box.height, factor)
    }, { passive: false })
    pane.onkeydown = event => {
      if (event.ctrlKey || event.metaKey || event.altKey) return
      const step = 0.1
      const moves = {
        "+": () => this.zoomAt(0.5, 0.5, 1.5),
        "=": () => this.zoomAt(0.5, 0.5, 1.5),
        "-": () => this.zoomAt(0.5, 0.5, 1 / 1.5),
        0: () => this.move(1, 0, 0),
        ArrowLeft: () => this.move(this.zoom, this.x + step, this.y),
        ArrowRight: () => this.move(this.zoom, this.x - step, this.y),
        ArrowUp: () => this.move(this.zoom, this.x, this.y + step),
        ArrowDown: () => this.move(this.zoom, this.x, this.y - step),
        Escape: () => focus.set([]),
      }
      if (!moves[event.key] || (event.key.startsWith("Arrow") && this.zoom === 1)) return
      event.preventDefault()
      event.stopPropagation()
      moves[event.key]()
    }
  }

  get most() {
    return Math.max(MOST_ENLARGED * this.data.full[0] / (this.panes[1].clientWidth || 1), 1)
  }

  // Zoom around a point of the pane, which stays where it is.
  zoomAt(u, v, factor) {
    const zoom = clamp(this.zoom * factor, 1, this.most)
    const ratio = zoom / this.zoom
    this.move(zoom, u - (u - this.x) * ratio, v - (v - this.y) * ratio)
  }

  move(zoom, x, y) {
    this.zoom = zoom
    this.x = clamp(x, 1 - zoom, 0)
    this.y = clamp(y, 1 - zoom, 0)
    const { root } = this
    root.style.setProperty("--zoom", this.zoom)
    root.style.setProperty("--x", this.x)
    root.style.setProperty("--y", this.y)
    root.classList.toggle("zoomed", zoom > 1)
    this.crisp()
    root.querySelector(".zoom output").textContent = `${Number(zoom.toFixed(1))} ×`
    root.querySelector("[data-do=out]").disabled = zoom === 1
    root.querySelector("[data-do=fit]").disabled = zoom === 1
    root.querySelector("[data-do=in]").disabled = zoom >= this.most
    this.clip()
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.sharpen(), 150)
  }

  // Pixels that are enlarged have edges; reduced ones are averaged.
  crisp() {
    const shown = this.panes[1].clientWidth * this.zoom * devicePixelRatio
    this.root.classList.toggle("crisp", shown >= this.data.width)
  }

  // Ask for every pixel of what is in view once the preview has too few.
  sharpen() {
    const { data, region } = this
    const [width, height] = data.full
    if (data.width >= width || this.panes[1].clientWidth * this.zoom <= data.width) return
    const view = [-this.x, -this.y, 1 - this.x, 1 - this.y].map(side => side / this.zoom)
    const [x0, y0, x1, y1] = view.map((side, i) => side * (i % 2 ? height : width))
    const inside = region && x0 >= region.x && y0 >= region.y
      && x1 <= region.x + region.width && y1 <= region.y + region.height
    if (inside) return
    const [dx, dy] = [(x1 - x0) / 2, (y1 - y0) / 2]
    this.ask([x0 - dx, y0 - dy, x1 + dx, y1 + dy].map(Math.round))
  }

  // A file that was asked for, once.
  take(file) {
    if (!file || focus.taken === file.id) return
    focus.taken = file.id
    const link = document.createElement("a")
    link.href = address(file.url)
    link.download = file.name
    link.click()
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".viewer")
  if (!views.has(root)) views.set(root, new Viewer(root))
  const view = views.get(root)
  view.update(
    data,
    action => setTriggerValue("action", action),
    point => setTriggerValue("picked", point),
    region => setTriggerValue("region", region),
  )
  return () => view.close()
}
