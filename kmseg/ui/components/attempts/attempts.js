import { component } from "../shared/component.js"
import { Card } from "./card.js"

class Attempts {
  cards = new Map() // number of an attempt -> its card
  lit = true

  constructor(root) {
    this.root = root
  }

  update({ data, setTriggerValue }) {
    this.send = setTriggerValue
    this.chosen ??= data.chosen
    this.data = data
    this.root.ariaLabel = data.label
    this.root.style.setProperty("--aspect", data.aspect)
    const numbers = data.tiles.map(tile => tile.number)
    for (const [number, card] of this.cards) {
      if (numbers.includes(number)) continue
      card.element.remove()
      this.cards.delete(number)
    }
    numbers.forEach((number, i) => {
      if (!this.cards.has(number)) this.cards.set(number, this.makeCard(number))
      const { element } = this.cards.get(number)
      if (this.root.children[i] !== element) this.root.insertBefore(element, this.root.children[i] ?? null)
    })
    this.draw()
  }

  makeCard(number) {
    return new Card({
      choose: () => {
        this.chosen = this.chosen === number ? 0 : number
        this.draw()
      },
      light: lit => {
        this.lit = lit
        this.draw()
      },
      step: () => this.send("step", number),
    })
  }

  draw() {
    this.root.classList.toggle("lit", this.lit)
    for (const tile of this.data.tiles) {
      this.cards.get(tile.number).update(tile, tile.number === this.chosen, this.lit)
    }
  }
}

export default component(".attempts", root => {
  const attempts = new Attempts(root)
  return message => attempts.update(message)
})
