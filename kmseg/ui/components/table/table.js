import { component } from "../shared/component.js"
import { focus } from "../shared/focus.js"
import { make } from "../shared/helpers.js"

function makeSquare(color) {
  const square = make("i")
  square.style.background = color
  return square
}

function makeHead(columns) {
  const line = make("tr")
  for (const column of columns) {
    const cell = line.appendChild(make("th", column.title, column.kind))
    cell.scope = "col"
    cell.title = column.help
  }
  const head = make("thead")
  head.append(line)
  return head
}

function makeName(row) {
  const button = make("button")
  button.type = "button"
  button.append(makeSquare(row.color), row.name)
  button.setAttribute("aria-label", `Cluster ${row.name}: put in focus`)
  const cell = make("th", "", "name")
  cell.scope = "row"
  cell.abbr = `Cluster ${row.name}` // row header that screen readers read before other cells
  cell.append(button)
  return cell
}

// The share as text and as a bar; the largest cluster's bar has full width.
function makeShare(row, mostPixels) {
  const bar = makeSquare(row.color)
  bar.style.width = `${100 * row.pixels / mostPixels}%`
  const track = make("b")
  track.append(bar)
  const content = make("div")
  content.append(make("span", row.share), track)
  const cell = make("td", "", "share")
  cell.append(content)
  return cell
}

function makeLine(row, mostPixels) {
  const line = make("tr")
  line.append(
    makeName(row),
    makeShare(row, mostPixels),
    make("td", row.pixels.toLocaleString("en")),
    make("td", row.color, "hex"),
    ...row.values.map(value => make("td", value)),
  )
  line.addEventListener("click", () => focus.toggle(row.group))
  return line
}

export default component("table", (table, signal) => {
  let rows = []

  function showFocus() {
    table.classList.toggle("some", focus.clusters.size > 0)
    table.querySelectorAll("tbody tr").forEach((line, i) => {
      const focused = focus.has(rows[i].group)
      line.classList.toggle("focused", focused)
      line.querySelector("button").setAttribute("aria-pressed", String(focused))
    })
  }

  focus.addEventListener("change", showFocus, { signal })
  return ({ data }) => {
    rows = data.rows
    const body = make("tbody")
    const mostPixels = Math.max(...rows.map(row => row.pixels))
    body.append(...rows.map(row => makeLine(row, mostPixels)))
    table.getRootNode().querySelector(".note").textContent = data.note
    table.replaceChildren(make("caption", "Clusters"), makeHead(data.columns), body)
    focus.enter(data.segmentation, data.count)
    showFocus()
  }
})
