import { focus } from "../shared/focus.js"

const NAMES = ["layout", "paint"]

// Layout and paint of the pictures, which are stored in the address, and the divider's position.
export class Choices {
  mix = 50 // percent: position of the divider, or opacity of the segmentation when blended

  // `changed` is called after a change of layout or paint, `mixed` after a change of `mix`.
  constructor(root, signal, { changed, mixed }) {
    Object.assign(this, { root, changed, mixed })
    for (const input of root.querySelectorAll("fieldset input")) {
      input.addEventListener("change", () => this.choose(input.name, input.value), { signal })
    }
    const slider = root.querySelector(".mix input")
    slider.addEventListener("input", () => this.setMix(Number(slider.value)), { signal })
    addEventListener("popstate", () => this.readAddress(), { signal })
  }

  readAddress() {
    for (const name of NAMES) {
      const inputs = this.root.querySelectorAll(`input[name=${name}]`)
      const allowed = [...inputs].map(input => input.value)
      const value = focus.fromAddress(name)
      this[name] = allowed.includes(value) ? value : allowed[0]
      focus.parameters.set(name, this[name])
    }
    this.show()
    this.changed()
  }

  choose(name, value) {
    this[name] = value
    focus.setParameter(name, value)
    this.show()
    this.changed()
  }

  show() {
    const { root } = this
    for (const name of NAMES) {
      root.querySelector(`input[name=${name}][value=${this[name]}]`).checked = true
    }
    root.classList.toggle("one", this.layout !== "side")
    root.classList.toggle("swiping", this.layout === "swipe")
    root.querySelector(".divider").hidden = this.layout !== "swipe"
    root.querySelector(".mix").hidden = this.layout === "side"
    root.querySelector(".mix span").textContent = this.layout === "swipe" ? "Swipe" : "Blend"
    this.setMix(this.mix)
  }

  setMix(mix) {
    this.mix = mix
    this.root.querySelector(".mix input").value = mix
    this.root.style.setProperty("--mix", `${mix}%`)
    this.mixed()
  }
}
