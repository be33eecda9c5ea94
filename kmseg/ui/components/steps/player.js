import { clamp } from "../shared/helpers.js"
import { playback } from "../shared/playback.js"

// Controls of the position in a run: buttons, slider, speed, keys, and the clock that plays.
export class Player {
  position = 0
  first = 0
  last = 0

  // show(position): display it; rested(): the position stays for now
  constructor(root, signal, { show, rested }) {
    Object.assign(this, { root, show, rested })
    this.slider = root.querySelector(".player input")
    this.button = root.querySelector("[data-do=play]")
    this.actions = {
      home: () => this.go(this.position > 0 ? 0 : this.first),
      back: () => this.go(this.position - 1),
      play: () => this.playing ? this.pause() : this.play(),
      forward: () => this.go(this.position + 1),
      end: () => this.go(this.last),
    }
    for (const [name, action] of Object.entries(this.actions)) {
      root.querySelector(`[data-do=${name}]`).addEventListener("click", action, { signal })
    }
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)), { signal })
    this.speed.addEventListener("change", () => this.playing && this.play(), { signal })
    addEventListener("keydown", event => this.press(event), { signal })
    playback.addEventListener("control", event => this.actions[event.detail](), { signal })
    signal.addEventListener("abort", () => this.stop())
  }

  get speed() {
    return this.root.querySelector(".speed")
  }

  get playing() {
    return this.timer !== undefined
  }

  setRange(first, last) {
    Object.assign(this, { first, last })
  }

  // Show a position and stop playing.
  go(position) {
    this.pause()
    this.moveTo(position)
    this.rested()
  }

  moveTo(position) {
    this.position = clamp(position, this.first, this.last)
    const { root, slider, position: shown, first, last } = this
    // The slider spans the half-steps, or the draws of the seeds while one of them is shown.
    const [min, max] = shown < 0 ? [first, 0] : [0, last]
    Object.assign(slider, { min, max, value: shown })
    const disabled = { home: shown <= first, back: shown <= first, forward: shown >= last, end: shown >= last }
    for (const [name, off] of Object.entries(disabled)) {
      root.querySelector(`[data-do=${name}]`).disabled = off
    }
    this.show(this.position)
  }

  play() {
    this.stop()
    if (this.position >= this.last) this.moveTo(0)
    let due = performance.now()
    const tick = () => {
      due += 1000 / Number(this.speed.value)
      this.timer = setTimeout(() => {
        this.moveTo(this.position + 1)
        if (this.position >= this.last) this.pause()
        else tick()
      }, Math.max(due - performance.now(), 0))
    }
    tick()
    this.showPlaying()
  }

  pause() {
    const was = this.playing
    this.stop()
    this.showPlaying()
    if (was) this.rested()
  }

  stop() {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  showPlaying() {
    this.button.textContent = this.playing ? "Pause" : "Play"
    playback.setPlaying(this.playing)
    // While it plays, a screen reader would read one sentence after the other.
    this.root.querySelector(".sentence").ariaLive = this.playing ? "off" : "polite"
  }

  // Keys work in this part of the page, and where no other control uses them.
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    const [target] = event.composedPath()
    const inside = this.root.contains(target)
    if (!inside && target !== document.body) return
    const { localName } = target
    if (localName === "select" || (localName === "button" && event.key === " ")) return
    const keys = { " ": "play", ArrowLeft: "back", ArrowRight: "forward", Home: "home", End: "end" }
    const action = keys[event.key]
    if (!action || this.root.hidden) return
    event.preventDefault()
    this.actions[action]()
  }
}
