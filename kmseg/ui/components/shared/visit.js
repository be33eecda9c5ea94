import { alike } from "./embedded.js"
import { focus } from "./focus.js"

// Open another link to this page without loading the page again, like Back and Forward do.
export function visit(address) {
  const url = alike(new URL(address, location))
  // Parameters that only the browser changes come from the link too.
  for (const name of focus.parameters.keys()) {
    focus.parameters.set(name, url.searchParams.get(name) ?? "")
  }
  history.pushState(null, "", url)
  dispatchEvent(new PopStateEvent("popstate"))
}

const isPlainClick = event =>
  event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey

// Let a link to this page open by `visit`; a new tab and copying its address work as with any link.
// `target` may change the address just before.
export function openInPlace(anchor, signal, target = url => url) {
  anchor.addEventListener("click", event => {
    if (!isPlainClick(event)) return
    event.preventDefault()
    visit(target(new URL(anchor.href, location)))
  }, { signal })
}
