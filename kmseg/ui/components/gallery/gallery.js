import { component } from "../shared/component.js"
import { make } from "../shared/helpers.js"

function makeTile(tile, pick) {
  const image = make("img")
  image.src = tile.image
  image.alt = ""
  const button = make("button")
  button.type = "button"
  button.append(image, make("strong", tile.title), ...tile.lines.map(line => make("small", line)))
  if (tile.mark) button.append(make("em", tile.mark))
  button.setAttribute("aria-pressed", String(tile.current))
  button.addEventListener("click", pick)
  return button
}

export default component(".gallery", gallery => ({ data, setTriggerValue }) => {
  gallery.setAttribute("aria-label", data.label)
  gallery.style.setProperty("--aspect", data.aspect)
  gallery.style.setProperty("--tile", `${data.side}rem`)
  gallery.replaceChildren(
    ...data.tiles.map((tile, i) => makeTile(tile, () => setTriggerValue("picked", i))),
  )
})
