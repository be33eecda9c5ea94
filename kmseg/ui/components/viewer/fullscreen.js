// Shows the viewer in the browser's full screen. If that is not available or not allowed, the
// viewer covers the page.
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
    } catch { // not available, or not allowed
      this.show(true)
    }
  }

  // Returns whether full screen was on.
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

  // Keep the page below from scrolling.
  lockPage(locked) {
    for (const element of [document.body, document.querySelector("[data-testid=stMain]")]) {
      if (element) element.style.overflow = locked ? "hidden" : ""
    }
  }
}
