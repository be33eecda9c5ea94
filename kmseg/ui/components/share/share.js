import { component } from "../shared/component.js"
import { frameCode, isEmbedded } from "../shared/embedded.js"
import { focus } from "../shared/focus.js"
import { make } from "../shared/helpers.js"
import { screenFile } from "../shared/screen.js"
import { address } from "../shared/server_url.js"

const MESSAGE_TIME = 4000 // milliseconds
const TYPING_TIME = 400 // milliseconds after the last key until the QR code follows the texts

class Share {
  constructor(root, signal) {
    this.root = root
    const find = selector => root.querySelector(selector)
    Object.assign(this, {
      button: find(".open"), panel: find(".panel"), input: find("#link"), code: find(".code"), enlarge: find(".enlarge"), large: find(".large"),
      send: find(".send"), embed: find(".embed"), full: find(".full"), lesson: find(".form"), fields: find("fieldset"),
    })
    this.button.hidden = isEmbedded()
    this.full.hidden = !isEmbedded()
    this.send.hidden = !navigator.share
    this.button.addEventListener("click", () => this.show(this.panel.hidden), { signal })
    this.enlarge.addEventListener("click", () => this.large.showPopover(), { signal })
    this.large.addEventListener("click", () => this.large.hidePopover(), { signal })
    find(".close").addEventListener("click", () => this.show(false), { signal })
    find(".copy").addEventListener("click", () => copy(this.input, find(".copy span")), { signal })
    const code = this.embed.querySelector("textarea")
    find(".embed button").addEventListener("click", () => copy(code, find(".embed span")), { signal })
    code.addEventListener("focus", () => code.select(), { signal })
    this.send.addEventListener("click", () => this.sendOn(), { signal })
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
    this.root.querySelector(".masked").hidden = !data.query.mask
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
    if (isEmbedded()) this.full.href = this.link
    if (this.panel.hidden) return
    const { link } = this
    this.input.value = link
    this.embed.querySelector("textarea").value = frameCode(link)
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

  // Open the system's list of ways to share.
  async sendOn() {
    const shared = { title: document.title, url: this.link }
    const files = [await screenFile()].filter(Boolean)
    const withPicture = files.length && navigator.canShare?.({ ...shared, files })
    try {
      await navigator.share(withPicture ? { ...shared, files } : shared)
    } catch (error) {
      if (error.name !== "AbortError") throw error // the visitor closed the list
    }
  }
}

// Copy a field's text, and say so on the label of its button.
async function copy(field, label) {
  const before = label.dataset.before ??= label.textContent
  try {
    await navigator.clipboard.writeText(field.value)
    label.textContent = before.replace(/Copy (.*)/, (_, what) => `${what[0].toUpperCase()}${what.slice(1)} copied`)
  } catch {
    // Only secure contexts (https) may write to the clipboard. Otherwise, select the text.
    field.select()
    label.textContent = `${before} above`
  }
  setTimeout(() => (label.textContent = before), MESSAGE_TIME)
}

export default component(".share", (root, signal) => {
  const share = new Share(root, signal)
  return message => share.update(message)
})
