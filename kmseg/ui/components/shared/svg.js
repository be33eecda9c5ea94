const SVG = "http://www.w3.org/2000/svg"

// Append an SVG element with these attributes, and return it.
export function add(parent, name, attributes, text = "") {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.textContent = text
  parent.append(element)
  return element
}

// A chart of this size; screen readers read the label in its place.
export function makeSvg(width, height, label) {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
  svg.setAttribute("role", "img")
  svg.setAttribute("aria-label", label)
  return svg
}
