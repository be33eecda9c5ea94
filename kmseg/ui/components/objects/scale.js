import { focus } from "../shared/focus.js"
import { ruler } from "../shared/ruler.js"
import { short } from "./columns.js"

// Pixels per mm, as in kmseg/settings/scale.py.
const SPELLING = /^(?=.*[1-9])\d{1,6}(\.\d{1,6})?$/
const NONE = /^0*\.?0*$/
const NO_SCALE = "Type a number such as 12.5, or 0 for none."
const NO_LENGTH = "Type the length in mm, such as 10. It must give 0.000001 to 999,999 pixels per mm."

// Keep the scale of the address in addresses that the server writes.
const readAddress = () => focus.parameters.set("scale", focus.fromAddress("scale"))
readAddress()
addEventListener("popstate", readAddress)

// The scale, which is stored in the address: typed, as the picture's file states it, or that of a
// line of known length.
export class Scale {
  // `changed` is called after each change, `sent` with the text after those made here.
  constructor(root, signal, changed, sent) {
    Object.assign(this, { root, changed, sent })
    this.field = root.querySelector("#scale")
    this.invalid = root.querySelector(".no-scale")
    this.stated = root.querySelector(".stated")
    this.drawn = root.querySelector(".drawn")
    this.length = root.querySelector("#length")
    const listen = (element, event, listener) => element.addEventListener(event, listener, { signal })
    listen(this.field, "change", () => this.type())
    listen(this.stated, "click", () => this.set(this.stated.value))
    listen(root.querySelector(".draw"), "click", () => ruler.ask())
    listen(this.drawn.querySelector("button"), "click", () => this.measure())
    listen(this.length, "keydown", ({ key }) => key === "Enter" && this.measure())
    listen(ruler, "change", () => this.showLine())
    addEventListener("popstate", () => {
      this.show()
      changed()
    }, { signal })
    signal.addEventListener("abort", () => ruler.draw(null))
    this.show()
  }

  // Show what belongs to the server's picture.
  update(data) {
    const { full, stated } = data
    if (String(full) !== String(this.full) && ruler.line) ruler.draw(null)
    this.full = full
    this.stated.hidden = !stated
    this.stated.value = stated
    this.stated.textContent = `${stated} from the file`
  }

  type() {
    const text = this.field.value.trim()
    const valid = NONE.test(text) || SPELLING.test(text)
    this.refuse(this.field, valid ? "" : NO_SCALE)
    if (valid) this.set(NONE.test(text) ? "" : text)
  }

  set(text) {
    focus.setParameter("scale", text)
    this.show()
    this.changed()
    this.sent(text)
  }

  // Pixels of the line.
  get pixels() {
    const [[u0, v0], [u1, v1]] = ruler.line
    const [width, height] = this.full
    return Math.hypot((u1 - u0) * width, (v1 - v0) * height)
  }

  showLine() {
    this.drawn.hidden = !ruler.line
    this.refuse(this.length, "")
    if (!ruler.line) return
    this.drawn.querySelector("label").textContent = `The line of ${short(this.pixels)} pixels is`
    this.length.value = ""
    this.length.focus()
  }

  measure() {
    const text = this.length.value.trim().replace(",", ".")
    const scale = String(Number((this.pixels / Number(text)).toFixed(6)))
    const valid = Number(text) > 0 && SPELLING.test(scale)
    this.refuse(this.length, valid ? "" : NO_LENGTH)
    if (!valid) return
    this.set(scale)
    ruler.draw(null)
    this.field.focus()
  }

  refuse(field, why) {
    this.invalid.hidden = !why
    this.invalid.textContent = why
    field.ariaInvalid = String(Boolean(why))
  }

  show() {
    this.field.value = focus.parameters.get("scale")
    this.refuse(this.field, "")
  }

  // 0 if it is not known.
  get value() {
    const text = focus.parameters.get("scale")
    return SPELLING.test(text) ? Number(text) : 0
  }
}
