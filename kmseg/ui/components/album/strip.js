import { address } from "../shared/server_url.js"
import { make } from "../shared/helpers.js"
import { idle } from "./status.js"

function iconButton(label, act) {
  const button = make("button", "×", "remove")
  button.type = "button"
  button.setAttribute("aria-label", label)
  button.title = label
  button.addEventListener("click", act)
  return button
}

// The row of thumbnails: uploads, uploads in progress, and samples.
export class Strip {
  items = new Map() // kind and key of a picture, or id of an upload -> list item

  constructor(root, signal, { pick, remove, cancel }) {
    Object.assign(this, { pick, remove, cancel })
    this.row = root.querySelector(".row")
    this.own = root.querySelector(".own")
    this.samples = root.querySelector(".samples")
    this.failing = root.querySelector(".failing")
    this.row.addEventListener("keydown", event => this.walk(event), { signal })
    this.row.addEventListener("focusin", ({ target }) => this.setStop(target), { signal })
  }

  show(data, sending) {
    const chosen = this.chosen
    this.chosen = data.chosen
    const pictures = data.pictures.map(picture => this.item("own", picture, data.chosen))
    this.arrange(this.own, [...pictures, ...[...sending].map(upload => this.upload(upload))])
    const samples = list => list.map(picture => this.item("sample", picture, data.chosen))
    this.arrange(this.samples, samples(data.samples))
    this.arrange(this.failing, samples(data.failing))
    for (const [id, item] of this.items) if (!item.isConnected) this.items.delete(id)
    const current = this.row.querySelector("[aria-current]")
    if (chosen !== data.chosen && current) this.reveal(current.parentElement)
    if (!this.buttons.some(({ tabIndex }) => tabIndex === 0)) this.setStop(this.buttons[0])
  }

  // Keep the existing elements, so that none loses the keyboard focus.
  arrange(list, items) {
    const gone = [...list.children].filter(child => !items.includes(child))
    for (const child of gone) child.remove()
    items.forEach((item, i) => {
      if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null)
    })
    list.hidden = !items.length
  }

  found(id, create) {
    if (!this.items.has(id)) this.items.set(id, create())
    return this.items.get(id)
  }

  item(kind, picture, chosen) {
    const item = this.found(`${kind} ${picture.key}`, () => this.tile(kind, picture))
    const pick = item.querySelector(".pick")
    const image = item.querySelector("img")
    const source = address(picture.image)
    if (image.src !== source) {
      if (kind === "own") image.src = source
      else idle().then(() => (image.src = source)) // samples are drawn on request
    }
    if (picture.key === chosen) pick.setAttribute("aria-current", "true")
    else pick.removeAttribute("aria-current")
    return item
  }

  tile(kind, picture) {
    const image = make("img")
    image.alt = ""
    image.width = image.height = 48
    const pick = make("button", "", "pick")
    pick.type = "button"
    pick.title = picture.name
    pick.append(image, make("span", picture.name, "name"))
    pick.addEventListener("click", () => this.pick(picture.key))
    const item = make("li")
    item.append(pick)
    if (kind === "own") {
      item.append(iconButton(`Remove ${picture.name}`, () => this.remove(picture.key)))
    }
    return item
  }

  upload({ id, file, part, done }) {
    const item = this.found(id, () => {
      const created = make("li", "", "sending")
      const progress = make("progress")
      progress.setAttribute("aria-label", `Sending ${file.name}`)
      created.append(progress, make("span", file.name, "name"), make("span", "", "part"))
      created.append(iconButton(`Cancel ${file.name}`, () => this.cancel(id)))
      return created
    })
    item.querySelector("progress").value = part
    item.querySelector(".part").textContent = done ? "Opening…" : `${Math.floor(100 * part)}%`
    return item
  }

  reveal(item) {
    const [row, box] = [this.row.getBoundingClientRect(), item.getBoundingClientRect()]
    const open = this.row.querySelector(".open") // sticky: covers the left end of the row
    const left = row.left + open.offsetWidth
    if (box.left < left) this.row.scrollLeft += box.left - left
    else if (box.right > row.right) this.row.scrollLeft += box.right - row.right
  }

  get buttons() {
    return [...this.row.querySelectorAll("button")].filter(({ offsetParent }) => offsetParent)
  }

  // Roving tabindex: one button is a tab stop, and the arrow keys move between buttons.
  setStop(button) {
    for (const other of this.row.querySelectorAll("button")) other.tabIndex = -1
    if (button) button.tabIndex = 0
  }

  walk(event) {
    const { buttons } = this
    const i = buttons.indexOf(event.target)
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: buttons.length - 1 }[event.key]
    if (i < 0 || !buttons[to]) return
    event.preventDefault()
    buttons[to].focus()
  }
}
