import { make } from "../shared/helpers.js"
import { playback } from "../shared/playback.js"
import { inkOn, pack, rgb } from "../shared/colors.js"
import { show } from "./labels.js"

const FADE = 450 // milliseconds in which pixels that changed cluster flash
const STRENGTH = 0.75 // opacity of the flash when it begins

// Shows the frames of a run in the viewer, with the run's clusters in place of the segmentation's.
export class Playing {
  // shown() is called when another frame, or none, is to be shown.
  constructor(root, signal, shown) {
    this.root = root
    playback.addEventListener("change", shown, { signal })
    for (const button of root.querySelectorAll("[data-play]")) {
      button.addEventListener("click", () => playback.control(button.dataset.play), { signal })
    }
  }

  // The viewer's data with a frame's clusters, and the frame; null instead of other segmentations'.
  over(data) {
    const { frame } = playback
    if (frame?.segmentation !== data.segmentation) return { data, frame: null }
    const { palette, counts } = frame
    const numbers = [...palette.keys()]
    const groups = numbers.map(number => [number])
    const names = numbers.map(number => String(number + 1))
    const clusters = { palette, colors: palette, counts, groups, names }
    return { data: Object.assign({}, data, clusters), frame }
  }

  show(frame) {
    this.root.classList.toggle("playing", frame !== null)
    this.showMarks(frame?.marks ?? [])
    if (!frame) return
    this.root.querySelector("[data-play=play]").textContent = playback.playing ? "Pause" : "Play"
    const sentence = make("span", frame.sentence, "sentence")
    this.root.querySelector(".caption").replaceChildren(frame.caption, sentence)
    if (frame.changed && this.frame !== frame) this.flash(frame)
    this.frame = frame
  }

  showMarks(marks) {
    const elements = marks.map(({ x, y, name, color }) => {
      const mark = make("i", name)
      mark.style.setProperty("--u", x)
      mark.style.setProperty("--v", y)
      Object.assign(mark.style, { background: color, color: inkOn(rgb(color)) })
      return mark
    })
    this.root.querySelector(".marks").replaceChildren(...elements)
  }

  // White on dark clusters, black on light ones.
  flash({ width, height, labels, palette, changed }) {
    const inks = palette.map(color => pack(inkOn(rgb(color)) === "#000" ? [0, 0, 0] : [255, 255, 255]))
    const image = new ImageData(width, height)
    const out = new Uint32Array(image.data.buffer)
    for (let i = 0; i < out.length; i++) if (changed[i]) out[i] = inks[labels[i]]
    const canvas = this.root.querySelector(".flash")
    show(canvas, image)
    canvas.animate([{ opacity: STRENGTH }, { opacity: 0 }], { duration: FADE, easing: "ease-out" })
  }
}
