import { component } from "../shared/component.js"
import { make } from "../shared/helpers.js"
import { openInPlace } from "../shared/visit.js"

function makeEntry(entry, signal) {
  const link = make("a")
  link.href = `?${new URLSearchParams(entry.query)}`
  link.append(make("strong", entry.title), make("small", `${entry.minutes} minutes`), make("span", entry.summary))
  openInPlace(link, signal)
  const item = make("li")
  item.append(link)
  return item
}

export default component(".lessons", (root, signal) => ({ data }) => {
  root.replaceChildren(...data.entries.map(entry => makeEntry(entry, signal)))
})
