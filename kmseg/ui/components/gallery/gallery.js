export default function ({ data, parentElement, setTriggerValue }) {
  const gallery = parentElement.querySelector(".gallery")
  gallery.setAttribute("aria-label", data.label)
  gallery.style.setProperty("--aspect", data.aspect)
  gallery.style.setProperty("--tile", `${data.side}rem`)
  const text = (name, content) => {
    const made = document.createElement(name)
    made.textContent = content
    return made
  }
  gallery.replaceChildren(...data.tiles.map((tile, i) => {
    const button = document.createElement("button")
    const image = document.createElement("img")
    image.src = tile.image
    image.alt = ""
    button.type = "button"
    button.append(image, text("strong", tile.title))
    for (const line of tile.lines) button.append(text("small", line))
    if (tile.mark) button.append(text("em", tile.mark))
    button.setAttribute("aria-pressed", String(tile.current))
    button.onclick = () => setTriggerValue("picked", i)
    return button
  }))
}
