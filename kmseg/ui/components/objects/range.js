import { clamp, make } from "../shared/helpers.js"

const STEPS = 200

// Positions 0 to 1 between two values, on a logarithmic or linear scale.
export const logarithmic = {
  at: (part, low, high) => low * (high / low) ** part,
  position: (value, low, high) => Math.log(value / low) / Math.log(high / low),
}
export const linear = {
  at: (part, low, high) => low + part * (high - low),
  position: (value, low, high) => (value - low) / (high - low),
}

// A least and a greatest value, set by two thumbs on one track. At its end, a thumb sets no limit.
export class Range {
  least = -Infinity
  most = Infinity
  low = 0 // ends of the track
  high = 1

  // round(value): a value as it is shown and compared; text(value); changed()
  constructor(signal, { title, scale, round, text, changed }) {
    Object.assign(this, { scale, round, text })
    this.element = make("div", "", "range")
    this.track = make("div", "", "track")
    this.thumbs = ["at least", "at most"].map(end => {
      const thumb = make("input")
      Object.assign(thumb, { type: "range", min: 0, max: STEPS, step: 1 })
      thumb.ariaLabel = `${title}, ${end}`
      thumb.addEventListener("input", () => {
        this.read(thumb)
        this.show()
        changed()
      }, { signal })
      return thumb
    })
    this.output = make("output")
    this.track.append(make("b"), ...this.thumbs)
    this.element.append(make("span", title), this.track, this.output)
  }

  get limits() {
    return this.least > -Infinity || this.most < Infinity
  }

  setEnds(low, high) {
    Object.assign(this, { low, high: Math.max(high, low) })
    this.placeThumbs()
  }

  clear() {
    Object.assign(this, { least: -Infinity, most: Infinity })
    this.placeThumbs()
  }

  placeThumbs() {
    const { least, most } = this
    const positions = [this.position(least), most < Infinity ? this.position(most) : 1]
    this.thumbs.forEach((thumb, i) => (thumb.value = Math.round(STEPS * positions[i])))
    this.show()
  }

  has(value) {
    return value >= this.least && value <= this.most
  }

  // Take the values of the thumbs; the one that moves stops at the other.
  read(moved) {
    const [least, most] = this.thumbs
    if (least.valueAsNumber > most.valueAsNumber) {
      moved.value = moved === least ? most.value : least.value
    }
    const valueOf = thumb => this.round(this.scale.at(thumb.valueAsNumber / STEPS, this.low, this.high))
    this.least = least.valueAsNumber === 0 ? -Infinity : valueOf(least)
    this.most = most.valueAsNumber === STEPS ? Infinity : valueOf(most)
  }

  // Where a value lies on the track, 0 to 1.
  position(value) {
    const { scale, low, high } = this
    return high > low ? clamp(scale.position(clamp(value, low, high), low, high), 0, 1) : 0
  }

  show() {
    const { thumbs, least, most, low, high } = this
    const positions = thumbs.map(thumb => thumb.valueAsNumber / STEPS)
    const shown = [least, most].map(value => this.text(clamp(value, low, high)))
    thumbs.forEach((thumb, i) => (thumb.ariaValueText = shown[i]))
    this.track.style.setProperty("--from", positions[0])
    this.track.style.setProperty("--to", positions[1])
    this.output.textContent = `${shown[0]} to ${shown[1]}`
    // With both thumbs at the right end, the left one has to be on top, or neither could move.
    thumbs[0].style.zIndex = positions[0] > 0.5 ? 2 : ""
  }
}
