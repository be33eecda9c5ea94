import { component } from "../shared/component.js"
import { luminance } from "../shared/colors.js"
import { onReconnect } from "../shared/connection.js"
import { focus } from "../shared/focus.js"
import { make, percent, sleep } from "../shared/helpers.js"
import { overlay } from "../shared/overlay.js"
import { Changes } from "../viewer/changes.js"
import { Gone } from "../viewer/fetching.js"
import { Outbox } from "../viewer/outbox.js"
import { columnsOf, csvOf, several, short } from "./columns.js"
import { Filters } from "./filters.js"
import { List } from "./list.js"
import { Scale } from "./scale.js"
import { Tidying } from "./tidying.js"
import { fetchNumbers, fetchTable } from "./unpack.js"

const MANY = 6 // clusters above which their buttons are short
const RETRIES = 5
const RETRY = 1500 // milliseconds
// Opacities of the veils, of 255: over what filters leave out, and over all but the chosen object.
const LEFT_OUT = 215
const NOT_CHOSEN = 140

class Objects {
  outbox = new Outbox()
  retries = 0
  chosen = -1

  constructor(root, signal) {
    this.root = root
    this.changes = new Changes(change => this.outbox.add(change), () => {})
    this.tidying = new Tidying(root, signal, change => this.changes.request(change))
    this.filters = new Filters(root, signal, () => {
      this.frame ??= requestAnimationFrame(() => {
        this.frame = undefined
        this.filter()
      })
    })
    this.list = new List(root, signal, {
      choose: object => this.choose(object),
      sort: () => this.showRows(),
    })
    const showScale = () => this.objects && this.showColumns()
    const sendScale = scale => this.outbox.add({ what: "scale", scale })
    this.scale = new Scale(root, signal, showScale, sendScale)
    root.querySelector(".save").addEventListener("click", () => this.save(), { signal })
    focus.addEventListener("change", () => this.filter(), { signal })
    overlay.addEventListener("pick", ({ detail }) => this.choose(detail - 1, true), { signal })
    onReconnect(signal, () => this.changes.busy && this.outbox.flush())
    signal.addEventListener("abort", () => {
      this.closed = true
      this.changes.close()
      overlay.show(null)
    })
  }

  update({ data, setTriggerValue }) {
    const { root } = this
    this.outbox.receive(data.answers, data.visit, setTriggerValue)
    this.changes.receive(data.answers)
    if (!this.changes.busy) this.tidying.update(data)
    root.querySelector(".told").textContent = data.told
    root.querySelector(".refused").textContent = data.refused
    root.querySelector(".refused").hidden = !data.refused
    this.scale.update(data)
    focus.enter(data.segmentation, data.count)
    this.latest = data
    if (data.refused) {
      this.objects = this.loading = undefined
      overlay.show(null)
      this.showState()
      this.changes.settle()
    } else if (this.loading !== data.table) this.load(data)
    else if (this.data?.table === data.table) this.changes.settle()
  }

  // Show the list, or that it is not there yet.
  showState(said = "Measuring the objects…") {
    const { root, latest } = this
    root.querySelector(".found").hidden = !this.objects
    root.querySelector(".waiting").hidden = Boolean(this.objects || latest.refused)
    root.querySelector(".waiting").textContent = said
  }

  // Fetch a message's objects and show them, unless a newer message has others.
  async load(data) {
    this.loading = data.table
    const isCurrent = () => !this.closed && this.latest.table === data.table
    try {
      const [table, numbers] = await Promise.all([fetchTable(data.table, data.n), fetchNumbers(data.numbers)])
      if (!isCurrent()) return
      this.retries = 0
      this.open(data, table, numbers)
    } catch (error) {
      if (!isCurrent()) return
      if (error instanceof Gone && ++this.retries <= RETRIES) {
        await sleep(RETRY)
        this.loading = undefined // the next message tries again
        if (isCurrent()) this.outbox.add({ what: "refresh" })
      } else {
        console.warn(error)
        this.objects = this.loading = undefined
        this.showState("The objects could not be loaded. Reload the page.")
      }
    }
    this.changes.settle()
  }

  open(data, table, numbers) {
    const { box, rgb } = table
    const [width, height] = data.full
    const touches = Uint8Array.from(table.area, (_, i) => (
      box.left[i] === 0 || box.top[i] === 0 || box.right[i] === width || box.bottom[i] === height ? 1 : 0
    ))
    const light = i => luminance(rgb.map(level => level[i]))
    const { clusters, pixels } = data
    this.objects = { ...table, clusters, pixels, touches, luminance: light }
    this.numbers = numbers
    this.data = data
    this.chosen = this.list.chosen = -1
    this.showState()
    this.filters.setObjects(this.objects)
    this.showColumns()
    this.filter()
  }

  showColumns() {
    this.list.setColumns(columnsOf(this.objects, this.scale.value))
    this.order = undefined
    this.showRows()
  }

  // Apply filters and focus.
  filter() {
    const { objects, data } = this
    if (!objects) return
    const isListed = data.clusters.map(({ members }) => (
      !focus.clusters.size || members.some(member => focus.clusters.has(member))
    ))
    this.filters.drawHistogram(isListed)
    this.passing = this.filters.kept
    this.kept = this.passing.map((passes, i) => passes && isListed[objects.cluster[i]])
    this.showClusters(isListed)
    this.showRows()
    this.showOverlay()
  }

  showClusters(isListed) {
    const { data, root } = this
    const group = root.querySelector(".clusters")
    const before = [...group.children].indexOf(root.getRootNode().activeElement)
    group.replaceChildren(...data.clusters.map((cluster, at) => {
      const button = make("button")
      button.type = "button"
      const said = `${cluster.name}: ${several(cluster.count, "object")}`
      button.append(make("i"), data.clusters.length > MANY ? said.split(" object")[0] : said)
      button.ariaLabel = said
      button.firstChild.style.background = cluster.color
      button.ariaPressed = String(focus.clusters.size > 0 && isListed[at])
      button.title = `Put cluster ${cluster.name} in focus: only its objects are listed`
      button.addEventListener("click", () => focus.toggle(cluster.members))
      return button
    }))
    group.children[before]?.focus()
  }

  showRows() {
    const { list, objects, kept } = this
    if (!kept || kept.length !== objects.n) return
    const order = list.sorted
    if (this.order !== order) {
      this.order = order
      this.sorted = list.order(objects.n)
    }
    this.rows = this.sorted.filter(i => kept[i])
    list.setRows(this.rows)
    this.showSum()
  }

  showSum(more = "") {
    const { objects, rows, scale: { value: scale }, root } = this
    const area = rows.reduce((sum, i) => sum + objects.area[i], 0)
    const listed = rows.length === objects.n ? several(objects.n, "object")
      : `${rows.length.toLocaleString("en")} of ${several(objects.n, "object")}`
    const inMm = scale ? `, ${short(area / scale ** 2)} mm²` : ""
    const sum = `${several(area, "pixel")}${inMm} (${percent(area, objects.pixels)} of the picture)`
    root.querySelector(".sum").textContent = `Listed: ${listed}, ${sum}.${more}`
  }

  // Choose an object, or none by -1.
  choose(object, inPicture = false) {
    if (!this.objects) return
    const listed = object < 0 || this.kept[object]
    this.chosen = listed && !(inPicture && object === this.chosen) ? object : -1
    this.list.choose(this.chosen)
    this.showSum(listed ? "" : ` Object ${object + 1} is not among them.`)
    this.showOverlay()
  }

  // What the viewer shows. Clusters out of focus have the viewer's own veil.
  showOverlay() {
    const { objects, numbers, data, passing, kept, chosen } = this
    const some = chosen >= 0 && kept[chosen]
    const veils = new Uint8Array(objects.n + 1)
    const shown = new Set()
    for (let i = 0; i < objects.n; i++) {
      veils[i + 1] = passing[i] ? some && i !== chosen ? NOT_CHOSEN : 0 : LEFT_OUT
      if (some ? i === chosen : kept[i]) shown.add(objects.cluster[i])
    }
    const { left, top, right, bottom } = objects.box
    const [w, h] = data.full
    overlay.show({
      labels: data.labels,
      width: data.width,
      height: data.height,
      numbers,
      veils,
      clusters: [...shown].map(row => data.clusters[row].members[0]),
      box: some ? [left[chosen] / w, top[chosen] / h, right[chosen] / w, bottom[chosen] / h] : null,
    })
  }

  save() {
    const blob = new Blob([csvOf(this.objects, this.rows, this.scale.value)], { type: "text/csv" })
    const link = make("a")
    link.href = URL.createObjectURL(blob)
    link.download = this.data.file
    link.click()
    URL.revokeObjectURL(link.href)
  }
}

export default component(".objects", (root, signal) => {
  const objects = new Objects(root, signal)
  return message => objects.update(message)
})
