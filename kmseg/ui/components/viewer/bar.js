import { clamp, make } from "../shared/helpers.js"

// The controls below the pictures: K, the colour space, and the panels that open there.
export class Bar {
  dragged = false // whether a pointer is dragging the slider
  passing = false // whether the last requested K is an intermediate value of a drag

  constructor(root, signal, changes) {
    Object.assign(this, { root, changes })
    this.slider = root.querySelector(".k input")
    this.select = root.querySelector(".space select")
    this.help = root.querySelector(".space details")
    this.connectSlider(signal)
    this.select.addEventListener("change", () => {
      changes.request({ what: "space", space: this.select.value, final: true })
    }, { signal })
    root.querySelector("[data-region=draw]").addEventListener("click", () => this.close(), { signal })
    addEventListener("pointerdown", event => this.close(event.composedPath()), { signal })
  }

  connectSlider(signal) {
    const { slider } = this
    const value = () => Number(slider.value)
    const release = () => {
      if (!this.dragged) return
      this.dragged = false
      this.choose(value())
    }
    slider.addEventListener("pointerdown", () => (this.dragged = true), { signal })
    slider.addEventListener("input", () => this.dragged && this.pass(value()), { signal })
    slider.addEventListener("change", () => this.dragged || this.choose(value()), { signal })
    addEventListener("pointerup", release, { capture: true, signal })
    addEventListener("pointercancel", release, { capture: true, signal })
  }

  pass(k) {
    this.passing = true
    this.showK(k)
    this.changes.request({ what: "k", k, final: false })
  }

  choose(wanted) {
    const k = clamp(wanted, ...this.data.ks)
    if (k === this.chosen && !this.passing) return
    this.passing = false
    this.chosen = k
    this.showK(k)
    this.changes.request({ what: "k", k, final: true })
  }

  // Show the server's values, unless a change is pending.
  update(data) {
    this.data = data
    this.root.classList.toggle("offline", data.offline)
    if (this.changes.busy || this.dragged) return
    const [least, most] = data.ks
    Object.assign(this.slider, { min: least, max: most })
    this.chosen = data.k
    this.passing = false
    this.showK(data.k)
    this.showSpaces(data.spaces, data.color_space)
  }

  showK(k) {
    const [least, most] = this.data.ks
    this.k = k
    this.slider.value = k
    this.root.querySelector(".k output").textContent = `K = ${k}`
    this.root.querySelector("[data-do=fewer]").disabled = k <= least
    this.root.querySelector("[data-do=more]").disabled = k >= most
  }

  showSpaces(spaces, chosen) {
    const listed = JSON.stringify(spaces)
    if (this.listed !== listed) { // rewriting an open list would close it
      this.listed = listed
      this.select.replaceChildren(...spaces.map(space => new Option(space.title, space.key)))
      this.help.querySelector("dl").replaceChildren(...spaces.flatMap(space => (
        [make("dt", space.title), make("dd", space.summary)]
      )))
    }
    this.select.value = chosen
  }

  showLooks(open) {
    this.root.classList.toggle("looking", open)
    this.root.querySelector("[data-do=look]").setAttribute("aria-expanded", String(open))
  }

  toggleLooks() {
    this.showLooks(!this.root.classList.contains("looking"))
  }

  // Close the open panels, except those on an event's path; returns whether any was closed.
  close(path = []) {
    const inside = selector => path.includes(this.root.querySelector(selector))
    const looks = this.root.classList.contains("looking") && !inside(".looks") && !inside(".look")
    const help = this.help.open && !path.includes(this.help)
    if (looks) this.showLooks(false)
    if (help) this.help.open = false
    return looks || help
  }
}
