const GROWING_TIME = 4000 // milliseconds in which the content of a new view may still arrive
const PICTURES_PART = 0.35 // fraction of the window, at its top, that remains for the pictures

// Scroll the page until the end of the view is visible, but keep part of the pictures visible.
// Follows the view while it grows, unless the visitor scrolls.
export function scrollIntoSight(signal) {
  const page = document.querySelector("[data-testid=stMain]")
  const places = document.querySelector(".st-key-places")
  const section = document.querySelector(".st-key-section")
  if (!page || !places || !section) return

  const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches
  const follow = () => {
    const distance = distanceToScroll(page, places, section)
    if (distance) page.scrollBy({ top: distance, behavior: reduced ? "auto" : "smooth" })
  }
  const observer = new ResizeObserver(follow) // calls at once
  const stop = () => observer.disconnect()
  observer.observe(section)
  setTimeout(stop, GROWING_TIME)
  for (const type of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    addEventListener(type, stop, { signal, once: true, passive: true })
  }
  signal.addEventListener("abort", stop)
}

export function scrollToTop() {
  document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0 })
}

// Positive to scroll down. All positions are relative to the top of the window.
function distanceToScroll(page, places, section) {
  const { height } = page.getBoundingClientRect()
  const view = section.getBoundingClientRect()
  const pictures = places.closest(".st-key-pictures")?.parentElement
  if (pictures && getComputedStyle(pictures).position === "sticky") { // the view goes below them
    const { top: above, bottom } = pictures.getBoundingClientRect()
    return above > 0 ? above : Math.min(view.top - bottom, 0)
  }
  const top = Math.min(places.getBoundingClientRect().top, view.top)
  const most = top - PICTURES_PART * height
  const wanted = Math.min(view.bottom - height, most)
  if (wanted > 0) return wanted
  return top < 0 ? most : 0
}
