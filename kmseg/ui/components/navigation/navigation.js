import { component } from "../shared/component.js"
import { scrollIntoSight, scrollToTop } from "./scrolling.js"

const PHONE = "(max-width: 768px)" // where Streamlit's sidebar covers the page
const SIDEBAR = "[data-testid=stSidebar][data-collapsed=false]"

class Navigation {
  constructor(signal) {
    signal.addEventListener("abort", () => this.scrolling?.abort())
    addEventListener("kmseg:updating", event => this.setBusy(event.detail), { signal })
  }

  update({ data }) {
    if (this.lesson !== undefined && this.lesson !== data.lesson) scrollToTop()
    else if (this.view && this.view !== data.view) this.scroll()
    // Streamlit remembers an open sidebar, which would then cover the picture.
    if (this.picture !== data.picture) closeSidebarOfPhone()
    this.view = data.view
    this.lesson = data.lesson
    this.picture = data.picture
    this.setBusy(this.busy)
  }

  scroll() {
    this.scrolling?.abort()
    this.scrolling = new AbortController()
    scrollIntoSight(this.scrolling.signal)
  }

  // Mark the view as busy while the pictures are about to change, because it is out of date then.
  setBusy(busy) {
    this.busy = Boolean(busy)
    document.querySelector(".st-key-section")?.setAttribute("aria-busy", this.busy)
  }
}

function closeSidebarOfPhone() {
  if (!matchMedia(PHONE).matches) return
  document.querySelector(`${SIDEBAR} [data-testid=stSidebarCollapseButton] button`)?.click()
}

export default component(".navigation", (root, signal) => {
  const navigation = new Navigation(signal)
  return message => navigation.update(message)
})
