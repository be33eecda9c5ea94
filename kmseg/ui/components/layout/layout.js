import { component } from "../shared/component.js"
import { scrollIntoSight } from "./scrolling.js"

const PHONE = "(max-width: 768px)" // where Streamlit's sidebar lies over the page
const SIDEBAR = "[data-testid=stSidebar][data-collapsed=false]"

class Layout {
  constructor(signal) {
    signal.addEventListener("abort", () => this.scrolling?.abort())
    addEventListener("kmseg:updating", event => this.setBusy(event.detail), { signal })
  }

  update({ data }) {
    if (this.view && this.view !== data.view) this.scroll()
    // Streamlit remembers an open sidebar, and would open the page with it in front of the picture.
    if (this.picture !== data.picture) closeSidebarOfPhone()
    this.view = data.view
    this.picture = data.picture
    this.setBusy(this.busy)
  }

  scroll() {
    this.scrolling?.abort()
    this.scrolling = new AbortController()
    scrollIntoSight(this.scrolling.signal)
  }

  // Whether the pictures are about to change: what stands below them is out of date until then.
  setBusy(busy) {
    this.busy = Boolean(busy)
    document.querySelector(".st-key-section")?.setAttribute("aria-busy", this.busy)
  }
}

function closeSidebarOfPhone() {
  if (!matchMedia(PHONE).matches) return
  document.querySelector(`${SIDEBAR} [data-testid=stSidebarCollapseButton] button`)?.click()
}

export default component(".layout", (root, signal) => {
  const layout = new Layout(signal)
  return message => layout.update(message)
})
