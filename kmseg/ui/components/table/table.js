const tables = new WeakMap() // table element -> what it shows
const listeners = new WeakMap() // table element -> what a change of focus calls

const node = (name, text = "", className = "") => {
  const made = document.createElement(name)
  made.textContent = text
  made.className = className
  return made
}

const square = color => {
  const made = node("i")
  made.style.background = color
  return made
}

function head(columns) {
  const row = node("tr")
  for (const { title, help, kind } of columns) {
    const cell = row.appendChild(node("th", title, kind))
    cell.scope = "col"
    cell.title = help
  }
  const made = node("thead")
  made.append(row)
  return made
}

function line(row, most) {
  const made = node("tr")
  const button = node("button")
  button.type = "button"
  button.append(square(row.color), row.name)
  button.setAttribute("aria-label", `Cluster ${row.name}, in focus`)
  const name = node("td", "", "name")
  name.append(button)
  const bar = square(row.color)
  bar.style.width = `${100 * row.pixels / most}%`
  const room = node("b")
  room.append(bar)
  const share = node("div")
  share.append(node("span", row.share), room)
  const last = node("td", "", "share")
  last.append(share)
  made.append(name, node("td", row.color, "hex"), node("td", row.pixels.toLocaleString("en")), last)
  made.append(...row.values.map(value => node("td", value)))
  made.onclick = () => focus.toggle(row.group)
  return made
}

function show(table) {
  const data = tables.get(table)
  table.classList.toggle("some", focus.clusters.size > 0)
  table.querySelectorAll("tbody tr").forEach((made, i) => {
    const chosen = focus.has(data.rows[i].group)
    made.classList.toggle("focused", chosen)
    made.querySelector("button").setAttribute("aria-pressed", String(chosen))
  })
}

export default function ({ data, parentElement }) {
  const table = parentElement.querySelector("table")
  tables.set(table, data)
  focus.enter(data.segmentation, data.count)
  const body = node("tbody")
  body.append(...data.rows.map(row => line(row, data.rows[0].pixels)))
  parentElement.querySelector(".note").textContent = data.note
  table.replaceChildren(head(data.columns), body)
  show(table)
  if (!listeners.has(table)) {
    listeners.set(table, () => show(table))
    focus.addEventListener("change", listeners.get(table))
  }
  return () => focus.removeEventListener("change", listeners.get(table))
}
