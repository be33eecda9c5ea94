import { component } from "../shared/component.js"
import { focus } from "../shared/focus.js"
import { make } from "../shared/helpers.js"
import { address } from "../shared/server_url.js"

const MESSAGE_TIME = 4000 // milliseconds
const TYPING_TIME = 400 // milliseconds after the last key until the QR code follows the texts

class Share {
  constructor(root, signal) {
    this.root = root
    const find = selector => root.querySelector(selector)
    Object.assign(this, {
      button: find(".open"), panel: find(".panel"), input: find("#link"), code: find(".code"), enlarge: find(".enlarge"), large: find(".large"),
      label: find(".copy span"), lesson: find("details"), fields: find("fieldset"),
    })
    this.button.addEventListener("click", () => this.show(this.panel.hidden), { signal })
    this.enlarge.addEventListener("click", () => this.large.showPopover(), { signal })
    this.large.addEventListener("click", () => this.large.hidePopover(), { signal })
    find(".close").addEventListener("click", () => this.show(false), { signal })
    find(".copy").addEventListener("click", () => this.copy(), { signal })
    this.input.addEventListener("focus", () => this.input.select(), { signal })
    this.lesson.addEventListener("input", () => this.write(), { signal })
    this.lesson.addEventListener("toggle", () => this.write(), { signal })
    this.code.addEventListener("error", () => this.showCode(false), { signal })
    this.code.addEventListener("load", () => this.showCode(true), { signal })
    root.addEventListener("keydown", event => {
      if (event.key === "Escape") this.stepBack()
      event.stopPropagation() // keys of the page do not act while one types
    }, { signal })
    addEventListener("pointerdown", event => {
      if (!event.composedPath().includes(root)) this.show(false, { refocus: false })
    }, { signal })
    focus.addEventListener("change", () => this.write(), { signal })
    signal.addEventListener("abort", () => clearTimeout(this.timer))
  }

  update({ data }) {
    this.data = data
    this.root.querySelector(".own").hidden = !data.is_own
    if (!this.fields.querySelector("label")) this.makeFields(data.limits, data.hideable, data.handout)
    this.write()
  }

  makeFields(limits, hideable, handout) {
    for (const [name, limit] of Object.entries(limits)) {
      const field = this.lesson.querySelector(`[name=${name}]`)
      field.maxLength = limit
      field.value = handout[name] ?? ""
    }
    const hidden = (handout.hide ?? "").split(".")
    for (const [name, title] of Object.entries(hideable)) {
      const box = make("input")
      Object.assign(box, { type: "checkbox", value: name, checked: hidden.includes(name) })
      const label = make("label", "", "box")
      label.append(box, ` ${title}`)
      this.fields.append(label)
    }
  }

  show(isOpen, { refocus = true } = {}) {
    if (this.panel.hidden === !isOpen) return
    this.panel.hidden = !isOpen
    this.button.setAttribute("aria-expanded", String(isOpen))
    this.write()
    if (isOpen) this.root.querySelector(".copy").focus()
    else if (refocus) this.button.focus()
  }

  stepBack() {
    if (this.large.matches(":popover-open")) this.large.hidePopover()
    else this.show(false)
  }

  // The link to the page as it is, with the texts of the form if it is open.
  get link() {
    const parameters = new URLSearchParams(this.data.query)
    for (const [name, value] of focus.parameters) {
      if (value && value !== this.data.defaults[name]) parameters.set(name, value)
    }
    if (this.lesson.open) {
      parameters.delete("lesson")
      for (const [name, value] of this.texts()) {
        if (value) parameters.set(name, value)
        else parameters.delete(name)
      }
    }
    return `${location.origin}${location.pathname}?${parameters}`
  }

  texts() {
    const names = Object.keys(this.data.limits)
    const texts = names.map(name => [name, this.lesson.querySelector(`[name=${name}]`).value.trim()])
    const hidden = [...this.fields.querySelectorAll(":checked")].map(box => box.value).join(".")
    return [...texts, ["hide", hidden]]
  }

  write() {
    if (this.panel.hidden) return
    const { link } = this
    this.input.value = link
    this.root.querySelector(".try").href = link
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.draw(link), this.code.src ? TYPING_TIME : 0)
  }

  draw(link) {
    this.code.src = address(`${this.data.qr}?${new URLSearchParams({ link })}`)
    this.large.querySelector("img").src = this.code.src
  }

  showCode(fits) {
    this.enlarge.hidden = !fits
    this.root.querySelector(".long").hidden = fits
  }

  async copy() {
    const { input, label } = this
    try {
      await navigator.clipboard.writeText(input.value)
      label.textContent = "Link copied"
    } catch {
      // Only secure contexts (https) may write to the clipboard. Otherwise, select the link.
      input.select()
      label.textContent = "Copy the link above"
    }
    setTimeout(() => (label.textContent = "Copy link"), MESSAGE_TIME)
  }
}

export default component(".share", (root, signal) => {
  const share = new Share(root, signal)
  return message => share.update(message)
})
