import { focus } from "../shared/focus.js"

const REST = 250 // milliseconds at a position until it is written into the address, which is slow

// Keep the position of the address in addresses that the server writes.
const readAddress = () => focus.parameters.set("step", focus.fromAddress("step"))
readAddress()

const positions = new Map() // run -> position; outlives the element

// After Back or Forward, or a link within the page, the address says where a run opens.
addEventListener("popstate", () => {
  readAddress()
  positions.clear()
})

// Where runs open: the position in the address, and those at which runs were left.
export class Bookmark {
  // `navigated` is called after Back, Forward or a link within the page.
  constructor(signal, navigated) {
    const step = focus.parameters.get("step")
    if (step) this.wanted = Number(step) || 0
    addEventListener("popstate", () => {
      this.wanted = Number(focus.parameters.get("step")) || 0
      navigated()
    }, { signal })
    signal.addEventListener("abort", () => {
      clearTimeout(this.timer)
      focus.setParameter("step", "")
    })
  }

  // A run opens where it is wanted, else where it was left, else at its start; after a drag, the
  // pixels are assigned already.
  open({ run, init }) {
    const { wanted } = this
    this.wanted = undefined
    return wanted ?? positions.get(run) ?? (init === "dragged" ? 1 : 0)
  }

  keep({ run }, position) {
    const step = position ? String(position) : ""
    positions.set(run, position)
    focus.parameters.set("step", step)
    clearTimeout(this.timer)
    this.timer = setTimeout(() => focus.setParameter("step", step), REST)
  }
}
