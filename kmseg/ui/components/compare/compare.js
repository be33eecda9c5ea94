import { component } from "../shared/component.js"
import { make, percent } from "../shared/helpers.js"
import { openInPlace } from "../shared/visit.js"
import { listen } from "../viewer/gestures.js"
import { Viewport } from "../viewer/viewport.js"

const ZOOM = 1.5 // of the buttons
const HEIGHT_LEFT = 260 // CSS pixels of the window for all that is not a picture

class Compare {
  layout = "grid"
  pointers = new Map()

  constructor(root, signal) {
    Object.assign(this, { root, signal })
    this.panes = root.querySelector(".panes")
    this.selects = ["left", "right"].map(name => root.querySelector(`select.${name}`))
    this.mix = root.querySelector(".mix")
    this.viewport = new Viewport(root, this.panes, () => {})
    for (const input of root.querySelectorAll(".layouts input")) {
      input.addEventListener("change", () => this.setLayout(input.value), { signal })
    }
    for (const select of this.selects) select.addEventListener("change", () => this.draw(), { signal })
    this.mix.addEventListener("input", () => this.setMix(this.mix.value), { signal })
    const zooms = {
      in: () => this.viewport.zoomAt(0.5, 0.5, ZOOM),
      out: () => this.viewport.zoomAt(0.5, 0.5, 1 / ZOOM),
      fit: () => this.viewport.fit(),
    }
    for (const [name, act] of Object.entries(zooms)) {
      root.querySelector(`[data-do=${name}]`).addEventListener("click", act, { signal })
    }
    addEventListener("resize", () => this.arrange(), { signal })
    signal.addEventListener("abort", () => this.drawn?.abort())
  }

  update({ data, setTriggerValue }) {
    this.send = setTriggerValue
    this.all = data.panes
    this.editable = data.editable
    this.shown = data.panes.filter(pane => pane.image)
    this.fillSelects()
    if (this.shown.length < 2) this.setLayout("grid")
    else this.draw()
    this.root.querySelector(".tools").hidden = !this.shown.length
    this.root.querySelector(".layouts").hidden = this.shown.length < 2
  }

  fillSelects() {
    for (const [place, select] of this.selects.entries()) {
      const chosen = select.value || String(place)
      select.replaceChildren(...this.shown.map((pane, i) => {
        const option = make("option", pane.title)
        option.value = i
        return option
      }))
      select.value = Number(chosen) < this.shown.length ? chosen : String(place)
    }
  }

  setLayout(layout) {
    this.layout = layout
    this.root.querySelector(`.layouts input[value=${layout}]`).checked = true
    this.draw()
  }

  // Called by gestures too, which drag the divider.
  setMix(mix) {
    this.mix.value = mix
    this.root.style.setProperty("--mix", `${mix}%`)
  }

  draw() {
    const { root, layout } = this
    for (const name of ["grid", "swipe", "blend"]) root.classList.toggle(name, layout === name)
    root.querySelector(".two").hidden = layout === "grid"
    this.drawn?.abort()
    this.drawn = new AbortController()
    if (layout === "grid") this.panes.replaceChildren(...this.all.map((pane, i) => this.figure(pane, i)))
    else this.panes.replaceChildren(this.pair())
    this.setMix(this.mix.value)
    this.arrange()
    const [pane] = this.shown
    if (!pane) return
    this.viewport.pane = this.panes.querySelector(".pane[tabindex]")
    this.viewport.setSizes({ width: pane.width, full: [pane.full_width] })
    this.viewport.moveBy(0, 0)
  }

  figure(pane, index) {
    const figure = make("figure")
    const head = make("div", "", "head")
    head.append(make("strong", pane.title), ...this.editable ? this.buttons(pane, index) : [])
    const picture = pane.image ? this.frame([pane]) : make("div", "Open this picture to see its segmentation.", "pane missing")
    picture.style.setProperty("--aspect", pane.width / pane.height || 1.5)
    figure.append(head, picture, strip(pane), ...pane.lines.map(line => make("p", line)))
    return figure
  }

  buttons(pane, index) {
    const open = make("a", "Open", "open")
    open.href = `?${new URLSearchParams(pane.query)}`
    open.title = "Open this segmentation in Explore"
    openInPlace(open, this.drawn.signal)
    const first = this.button("Make first", () => this.send("first", index))
    const remove = this.button("✕", () => this.send("removed", index))
    remove.ariaLabel = `Remove ${pane.title}`
    return index > 0 && pane.image ? [open, first, remove] : [open, remove]
  }

  button(text, act) {
    const button = make("button", text)
    button.type = "button"
    button.addEventListener("click", act)
    return button
  }

  pair() {
    const figure = make("figure")
    const chosen = this.selects.map(select => this.shown[Number(select.value)])
    figure.append(this.frame(chosen))
    return figure
  }

  // A pane with a picture, or with a second one over it.
  frame([lower, upper]) {
    const frame = make("div", "", "pane")
    frame.tabIndex = 0
    frame.setAttribute("role", "application")
    frame.ariaLabel = upper ? `${lower.title} and ${upper.title}` : lower.title
    frame.style.setProperty("--aspect", lower.width / lower.height)
    frame.append(sheet(lower))
    if (upper) {
      const over = make("div", "", "over")
      over.append(sheet(upper))
      frame.append(over)
      if (this.layout === "swipe") frame.append(make("div", "", "line"))
    }
    const on = { hover() {}, click() {} }
    listen(frame, this.drawn.signal, { viewport: this.viewport, choices: this, pointers: this.pointers, on })
    return frame
  }

  // Choose the number of columns that makes the pictures largest in this window.
  arrange() {
    const n = this.layout === "grid" ? this.all.length : 1
    const [wide, tall] = [this.panes.clientWidth || innerWidth, Math.max(innerHeight - HEIGHT_LEFT, 200)]
    const first = this.shown[0]
    const aspect = first ? first.width / first.height : 1.5
    const sizes = Array.from({ length: n }, (_, i) => {
      const [columns, rows] = [i + 1, Math.ceil(n / (i + 1))]
      return Math.min(wide / columns, Math.max(tall / rows, 150) * aspect)
    })
    const columns = sizes.indexOf(Math.max(...sizes)) + 1
    this.panes.style.setProperty("--column", `${Math.floor(Math.max(wide / columns - 17, 160))}px`)
    this.panes.style.setProperty("--tall", `${Math.max(tall, 200)}px`)
  }
}

function sheet(pane) {
  const layer = make("div", "", "sheet")
  const image = make("img")
  Object.assign(image, { src: pane.image, alt: `Segmentation: ${pane.title}`, draggable: false })
  layer.append(image)
  return layer
}

function strip(pane) {
  const bar = make("div", "", "strip")
  bar.append(...pane.colors.map((color, i) => {
    const part = make("i")
    const share = pane.shares[i]
    part.style.background = color
    part.style.flexGrow = share
    part.title = `${color}, ${percent(share, 1)}`
    return part
  }))
  return bar
}

export default component(".compare", (root, signal) => {
  const compare = new Compare(root, signal)
  return message => compare.update(message)
})
