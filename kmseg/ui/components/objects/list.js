import { clamp, make } from "../shared/helpers.js"

const SPARE = 8 // rows that are drawn beyond the visible ones

// A table of many rows, of which only the visible ones exist. Rows are named by their object.
export class List {
  rows = [] // objects in the order of the list
  sorted = { title: "Area", descending: true }
  chosen = -1 // an object; -1 for none

  // on.choose(object), on.sort()
  constructor(root, signal, on) {
    this.on = on
    this.scroller = root.querySelector(".rows")
    this.sizer = root.querySelector(".sizer")
    this.table = root.querySelector("table")
    this.scroller.addEventListener("scroll", () => this.draw(), { signal })
    this.table.addEventListener("keydown", event => this.press(event), { signal })
    this.table.addEventListener("click", event => this.click(event), { signal })
    const observer = new ResizeObserver(() => this.draw())
    observer.observe(this.scroller)
    signal.addEventListener("abort", () => observer.disconnect())
  }

  // Show these columns from now on; the order stays if there still is its column.
  setColumns(columns) {
    this.columns = columns
    const { table, sorted } = this
    if (!columns.some(({ title }) => title === sorted.title)) sorted.title = "No."
    const line = make("tr")
    line.ariaRowIndex = "1"
    line.append(...columns.map(column => this.makeHead(column)))
    table.tHead.replaceChildren(line)
    table.querySelector("colgroup").replaceChildren(...columns.map(({ width }) => {
      const col = make("col")
      col.style.width = `${width}rem`
      return col
    }))
    const widths = columns.reduce((total, { width }) => total + width, 0)
    table.style.minWidth = this.sizer.style.minWidth = `${widths}rem`
  }

  makeHead({ title, help }) {
    const button = make("button", title)
    button.type = "button"
    button.title = help
    button.addEventListener("click", () => this.sortBy(title))
    const head = make("th")
    head.scope = "col"
    head.append(button)
    const { sorted } = this
    if (sorted.title === title) head.ariaSort = sorted.descending ? "descending" : "ascending"
    return head
  }

  // Numbers are first sorted with the largest on top, and the numbers of objects with the least.
  sortBy(title) {
    const { sorted } = this
    const again = sorted.title === title
    this.sorted = { title, descending: again ? !sorted.descending : title !== "No." }
    this.setColumns(this.columns)
    this.table.tHead.querySelectorAll("button")[this.columns.findIndex(c => c.title === title)].focus()
    this.on.sort()
  }

  // All objects in the order of the list; equal ones by number.
  order(n) {
    const { of } = this.columns.find(({ title }) => title === this.sorted.title)
    const values = Float64Array.from({ length: n }, (_, i) => of(i))
    const sign = this.sorted.descending ? -1 : 1
    return Uint32Array.from(values.keys()).toSorted((i, j) => sign * (values[i] - values[j]) || i - j)
  }

  // Show these objects.
  setRows(rows) {
    this.rows = rows
    this.table.ariaRowCount = String(rows.length + 1)
    this.draw()
  }

  choose(object) {
    this.chosen = object
    const at = this.rows.indexOf(object)
    if (at >= 0) this.reveal(at)
    this.draw()
  }

  get rowHeight() {
    return parseFloat(getComputedStyle(this.table).getPropertyValue("--row"))
  }

  reveal(at) {
    const { scroller, rowHeight } = this
    const room = scroller.clientHeight - this.table.tHead.offsetHeight - rowHeight
    scroller.scrollTop = clamp(scroller.scrollTop, at * rowHeight - room, at * rowHeight)
  }

  draw() {
    const { scroller, sizer, table, rows, rowHeight, columns } = this
    if (!columns) return
    const head = table.tHead.offsetHeight
    sizer.style.height = `${head + rows.length * rowHeight}px`
    const first = clamp(Math.floor(scroller.scrollTop / rowHeight) - SPARE, 0, rows.length)
    const n = Math.ceil(scroller.clientHeight / rowHeight) + 2 * SPARE
    sizer.style.paddingTop = `${first * rowHeight}px`
    const lines = Array.from(rows.slice(first, first + n), (object, at) => this.makeLine(object, first + at))
    table.tBodies[0].replaceChildren(...lines)
    const isDrawn = lines.some(line => line.id)
    if (isDrawn) table.setAttribute("aria-activedescendant", "chosen")
    else table.removeAttribute("aria-activedescendant")
  }

  makeLine(object, at) {
    const line = make("tr")
    line.dataset.object = object
    line.ariaRowIndex = String(at + 2)
    line.ariaSelected = String(object === this.chosen)
    if (object === this.chosen) line.id = "chosen"
    for (const { text, swatch } of this.columns) {
      const cell = line.appendChild(make("td"))
      if (swatch) cell.appendChild(make("i")).style.background = swatch(object)
      cell.append(text(object))
    }
    return line
  }

  click({ target }) {
    const line = target.closest("tbody tr")
    if (!line) return
    const object = Number(line.dataset.object)
    this.on.choose(object === this.chosen ? -1 : object)
  }

  press(event) {
    if (event.target !== this.table || event.ctrlKey || event.metaKey || event.altKey) return
    const { rows, rowHeight, scroller } = this
    const at = rows.indexOf(this.chosen)
    const page = Math.max(Math.floor(scroller.clientHeight / rowHeight) - 2, 1)
    const places = {
      ArrowDown: at + 1, ArrowUp: at < 0 ? 0 : at - 1, PageDown: at + page, PageUp: at - page,
      Home: 0, End: rows.length - 1,
    }
    if (event.key === "Escape") this.on.choose(-1)
    else if (event.key in places && rows.length) {
      this.on.choose(rows[clamp(places[event.key], 0, rows.length - 1)])
    } else return
    event.preventDefault()
  }
}
