// The viewer over everything else: by the browser's full screen or, where it has none or refuses,
// by covering the page.
export class FullScreen {
  // changed(full) is called after a change.
  constructor(root, signal, changed) {
    Object.assign(this, { root, changed })
    const follow = () => this.show(root.matches(":fullscreen"))
    root.addEventListener("fullscreenchange", follow, { signal })
    signal.addEventListener("abort", () => this.lockPage(false))
  }

  get on() {
    return this.root.classList.contains("full")
  }

  async enter() {
    try {
      await this.root.requestFullscreen()
    } catch { // the browser has none, or refuses
      this.show(true)
    }
  }

  // Returns whether it was on.
  leave() {
    const { on } = this
    if (this.root.matches(":fullscreen")) document.exitFullscreen()
    else this.show(false)
    return on
  }

  show(full) {
    if (full === this.on) return
    this.root.classList.toggle("full", full)
    this.lockPage(full)
    this.changed(full)
  }

  // The page below does not scroll.
  lockPage(locked) {
    for (const element of [document.body, document.querySelector("[data-testid=stMain]")]) {
      if (element) element.style.overflow = locked ? "hidden" : ""
    }
  }
}
