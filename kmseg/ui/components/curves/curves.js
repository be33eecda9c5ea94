// Small line charts of scores over K, in the page's own ink.
const SVG = "http://www.w3.org/2000/svg"
const WIDTH = 420
const HEIGHT = 168

function add(parent, name, attributes, text = "") {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.textContent = text
  parent.append(made)
  return made
}

function chart({ title, values, texts, marked }, clusters, suggested, current) {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`)
  svg.setAttribute("role", "img")
  svg.setAttribute("aria-label", `${title}: ${clusters.map((k, i) => `K ${k} ${texts[i]}`).join(", ")}`)
  add(svg, "text", { x: 8, y: 14, class: "title" }, title)
  const known = values.filter(value => value !== null)
  const [low, high] = [Math.min(0, ...known), Math.max(...known, 1e-9)]
  const x = i => 20 + i * (WIDTH - 40) / Math.max(clusters.length - 1, 1)
  const y = value => 48 + (HEIGHT - 80) * (high - value) / (high - low || 1)
  const points = values.flatMap((value, i) => value === null ? [] : [`${x(i)},${y(value)}`])
  add(svg, "polyline", { points: points.join(" "), class: "line" })
  const every = Math.ceil(clusters.length / 12)
  const now = clusters.indexOf(current)
  values.forEach((value, i) => {
    const room = i % every === 0 && (now < 0 || Math.abs(i - now) >= every)
    if (i === now || room) {
      const kind = i === now ? "tick current" : "tick"
      add(svg, "text", { x: x(i), y: HEIGHT - 8, class: kind }, String(clusters[i]))
    }
    if (value === null) return
    const mark = marked && clusters[i] === suggested ? "mark suggested" : "mark"
    const dot = add(svg, "circle", { cx: x(i), cy: y(value), r: mark === "mark" ? 4 : 6, class: mark })
    add(dot, "title", {}, `K = ${clusters[i]}: ${texts[i]}`)
    if (i === 0) add(svg, "text", { x: x(i) - 6, y: y(value) - 11 }, texts[i])
    else if (i === values.length - 1) {
      add(svg, "text", { x: x(i) + 4, y: y(value) - 10, class: "last" }, texts[i])
    }
  })
  return svg
}

export default function ({ data, parentElement }) {
  const { charts, clusters, suggested, current } = data
  const made = charts.map(one => chart(one, clusters, suggested, current))
  parentElement.querySelector(".curves").replaceChildren(...made)
}
