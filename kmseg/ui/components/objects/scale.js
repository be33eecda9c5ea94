import { focus } from "../shared/focus.js"

// Pixels per mm, as in kmseg/settings/scale.py.
const SPELLING = /^(?=.*[1-9])\d{1,6}(\.\d{1,6})?$/

// Keep the scale of the address in addresses that the server writes.
const readAddress = () => focus.parameters.set("scale", focus.fromAddress("scale"))
readAddress()
addEventListener("popstate", readAddress)

// The field for the scale, which is stored in the address.
export class Scale {
  // `changed` is called after each change, `typed` with the text after those in the field.
  constructor(root, signal, changed, typed) {
    this.field = root.querySelector("#scale")
    this.invalid = root.querySelector(".no-scale")
    this.field.addEventListener("change", () => {
      const text = this.field.value.trim()
      const none = /^0*\.?0*$/.test(text)
      const valid = none || SPELLING.test(text)
      this.invalid.hidden = valid
      this.field.ariaInvalid = String(!valid)
      if (!valid) return
      focus.setParameter("scale", none ? "" : text)
      changed()
      typed(none ? "" : text)
    }, { signal })
    addEventListener("popstate", () => {
      this.show()
      changed()
    }, { signal })
    this.show()
  }

  show() {
    this.field.value = focus.parameters.get("scale")
  }

  // 0 if it is not known.
  get value() {
    const text = focus.parameters.get("scale")
    return SPELLING.test(text) ? Number(text) : 0
  }
}
