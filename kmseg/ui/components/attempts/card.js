import { make } from "../shared/helpers.js"

function makeButton(className) {
  const button = make("button", "", className)
  button.type = "button"
  return button
}

function makeImage(className) {
  const image = make("img", "", className)
  image.alt = ""
  return image
}

// The tile of an attempt: a button with its picture and numbers. While it is chosen, it is larger,
// and has what can be done with it.
export class Card {
  constructor({ choose, light, step }) {
    this.element = make("div", "", "card")
    this.choose = makeButton("choose")
    const picture = make("span", "", "picture")
    this.image = makeImage("image")
    this.differences = makeImage("differences")
    picture.append(this.image, this.differences)
    this.text = make("span", "", "text")
    this.choose.append(picture, this.text)
    this.choose.addEventListener("click", choose)
    this.detail = make("div", "", "detail")
    this.differing = make("p")
    this.light = make("input")
    this.light.type = "checkbox"
    this.light.addEventListener("change", () => light(this.light.checked))
    this.label = make("label")
    this.label.append(this.light, "Light up the differences")
    const stepThrough = makeButton("step")
    stepThrough.textContent = "Step through it"
    stepThrough.addEventListener("click", step)
    this.detail.append(this.differing, this.label, stepThrough)
    this.element.append(this.choose, this.detail)
  }

  update(tile, chosen, lit) {
    const { number, image, differences, mark, lines, differing, best } = tile
    this.element.classList.toggle("chosen", chosen)
    this.element.classList.toggle("best", best)
    this.choose.setAttribute("aria-pressed", String(chosen))
    if (this.image.src !== image) this.image.src = image
    if (this.differences.getAttribute("src") !== differences) this.differences.src = differences
    this.differences.hidden = !differences
    this.element.classList.toggle("differing", Boolean(differences))
    this.text.replaceChildren(
      make("strong", `Attempt ${number}`), make("em", mark), ...lines.map(line => make("small", line)),
    )
    this.detail.hidden = !chosen
    this.differing.textContent = differing
    this.light.checked = lit
    this.label.hidden = !differences
  }
}
