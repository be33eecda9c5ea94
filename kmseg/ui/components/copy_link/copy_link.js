import { component } from "../shared/component.js"
import { focus } from "../shared/focus.js"

const MESSAGE_TIME = 4000 // milliseconds

export default component(".copy-link", (root, signal) => {
  const button = root.querySelector("button")
  const label = root.querySelector("span")
  const input = root.querySelector("input")
  let query

  async function copy() {
    const parameters = new URLSearchParams(query)
    for (const [name, value] of focus.parameters) if (value) parameters.set(name, value)
    const link = `${location.origin}${location.pathname}?${parameters}`
    input.value = link
    try {
      await navigator.clipboard.writeText(link)
      label.textContent = "Link copied"
    } catch {
      // Only secure contexts (https) may write to the clipboard. Otherwise, show the link.
      input.hidden = false
      input.select()
      label.textContent = "Copy the link below"
    }
    setTimeout(() => (label.textContent = "Copy link"), MESSAGE_TIME)
  }

  button.addEventListener("click", copy, { signal })
  return ({ data }) => {
    input.hidden = true
    query = data.query
  }
})
