import { component } from "../shared/component.js"
import { openInPlace, visit } from "../shared/visit.js"

// Parameters of the address that say how a picture of one's own is read.
const OF_PICTURE = ["picture", "frame", "levels"]

// Visitors who look at a picture of their own keep it if the text is true of every picture.
function withOwnPicture(url, link) {
  const shown = new URL(location).searchParams
  if (link.any_picture && shown.get("picture")?.startsWith("upload")) {
    for (const name of OF_PICTURE) if (shown.has(name)) url.searchParams.set(name, shown.get(name))
  }
  return url
}

class Lesson {
  constructor(root, signal) {
    this.root = root
    this.reserveSpace(signal)
    this.links = {}
    for (const name of ["before", "after"]) {
      openInPlace(root.querySelector(`.${name}`), signal, url => withOwnPicture(url, this.links[name]))
    }
    root.querySelector(".leave").addEventListener("click", () => this.leave(), { signal })
  }

  // Let the page make its pictures smaller by the height of the card.
  reserveSpace(signal) {
    const { style } = document.documentElement
    const observer = new ResizeObserver(() => {
      style.setProperty("--lesson-height", `${this.root.offsetHeight}px`)
    })
    observer.observe(this.root)
    signal.addEventListener("abort", () => {
      observer.disconnect()
      style.removeProperty("--lesson-height")
    })
  }

  update({ data }) {
    const { root } = this
    this.parameters = data.parameters
    this.write("#title", data.title)
    this.write(".number", data.number)
    this.write(".text", data.text)
    this.write(".question", data.question)
    this.writeAnswer(data.answer)
    this.link("before", data.before)
    this.link("after", data.after)
    root.querySelector("nav").hidden = !data.before && !data.after
  }

  link(name, link) {
    const anchor = this.root.querySelector(`.${name}`)
    this.links[name] = link
    anchor.hidden = !link
    if (!link) return
    anchor.textContent = link.title
    anchor.href = `?${new URLSearchParams(link.query)}`
  }

  write(selector, text) {
    const element = this.root.querySelector(selector)
    element.textContent = text
    element.hidden = !text
  }

  writeAnswer(text) {
    const answer = this.root.querySelector(".answer")
    const details = this.root.querySelector("details")
    if (answer.textContent !== text) details.open = false
    answer.textContent = text
    details.hidden = !text
  }

  // Open the same state of the page without the lesson.
  leave() {
    const url = new URL(location)
    for (const name of this.parameters) url.searchParams.delete(name)
    visit(url)
  }
}

export default component(".lesson", (root, signal) => {
  const lesson = new Lesson(root, signal)
  return message => lesson.update(message)
})
