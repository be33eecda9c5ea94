import { make } from "../shared/helpers.js"
import { inkOn, rgb } from "../shared/colors.js"

// Sizes of the slider, in pixels.
const SIZES = [0, 2, 3, 5, 8, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 1500, 2000,
  3000, 5000, 7500, 10000, 20000, 50000]
// As Settings.smallest_region is spelt: pixels, or a share in per cent.
const SPELLING = /^(\d{1,9}|\d{1,3}(\.\d{1,9})?%)$/

// The controls of tidying: the smallest region, and the clusters whose holes are filled.
export class Tidying {
  // request(change): ask the server for { smallest, holes, final }
  constructor(root, signal, request) {
    this.root = root
    this.request = request
    this.slider = root.querySelector(".sizes")
    this.field = root.querySelector("#smallest")
    this.slider.max = SIZES.length - 1
    this.slider.addEventListener("input", () => this.slide(false), { signal })
    this.slider.addEventListener("change", () => this.slide(true), { signal })
    this.field.addEventListener("change", () => this.type(), { signal })
  }

  slide(final) {
    const smallest = String(SIZES[this.slider.valueAsNumber])
    this.field.value = smallest
    this.say(smallest)
    this.ask({ smallest, final })
  }

  type() {
    const smallest = this.field.value.replaceAll(/[\s,]/g, "")
    const valid = SPELLING.test(smallest) && parseFloat(smallest) <= (smallest.endsWith("%") ? 100 : 1e9)
    this.field.ariaInvalid = String(!valid)
    this.root.querySelector(".invalid").hidden = valid
    if (valid) this.ask({ smallest, final: true })
  }

  ask(change) {
    Object.assign(this.wanted, change)
    const { smallest, holes, final } = this.wanted
    this.request({ what: "tidy", smallest, holes, final })
  }

  // Show the server's values.
  update(data) {
    const { slider, field, root } = this
    const holes = data.fillable.filter(fillable => fillable.filled).map(fillable => fillable.number)
    this.wanted = { smallest: data.smallest, holes, final: true }
    const at = SIZES.findIndex(size => size >= data.least)
    slider.value = at < 0 ? SIZES.length - 1 : at
    field.value = data.smallest
    field.ariaInvalid = "false"
    root.querySelector(".invalid").hidden = true
    this.say(data.smallest)
    const before = [...root.querySelector(".holes").children].indexOf(root.getRootNode().activeElement)
    root.querySelector(".holes").replaceChildren(...data.fillable.map(fillable => this.makeHole(fillable)))
    root.querySelector(".holes").children[before]?.focus()
  }

  say(smallest) {
    this.slider.ariaValueText = smallest === "0" ? "keep all" : `${smallest} pixels`
    if (smallest.endsWith("%")) this.slider.ariaValueText = `${smallest} of the picture`
    const unit = smallest.endsWith("%") ? "of the picture" : "pixels"
    this.root.querySelector(".unit").textContent = unit
  }

  makeHole(fillable) {
    const { number } = fillable
    const button = make("button", fillable.name, "chip")
    button.type = "button"
    button.style.background = fillable.color
    button.style.color = inkOn(rgb(fillable.color))
    button.ariaLabel = `Fill the holes of cluster ${fillable.name}`
    button.title = button.ariaLabel
    button.ariaPressed = String(fillable.filled)
    button.addEventListener("click", () => {
      const { holes } = this.wanted
      const others = holes.filter(other => other !== number)
      button.ariaPressed = String(others.length === holes.length)
      this.ask({ holes: others.length === holes.length ? [...holes, number] : others, final: true })
    })
    return button
  }
}
