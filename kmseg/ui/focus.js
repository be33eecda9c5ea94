// The clusters in focus, numbered from 0: one set for all components of the page, kept in the
// address. The server learns of it with its next message.
const focus = window.kmsegFocus ??= new class extends EventTarget {
  clusters = new Set()

  constructor() {
    super()
    addEventListener("popstate", () => (this.moved = true))
  }

  // Another segmentation has other clusters: none is in focus, unless its link says so. The server
  // writes its address.
  enter(segmentation, count) {
    if (this.segmentation === segmentation) return
    const linked = this.segmentation === undefined || this.moved
    this.segmentation = segmentation
    this.count = count
    this.moved = false
    this.hold(linked ? this.inAddress() : [])
  }

  inAddress() {
    const text = new URL(location).searchParams.get("focus") ?? ""
    return text.split(".").map(number => number - 1)
  }

  hold(clusters) {
    const known = clusters.filter(c => Number.isInteger(c) && c >= 0 && c < this.count)
    this.clusters = new Set(known)
    this.dispatchEvent(new Event("change"))
  }

  set(clusters) {
    this.hold(clusters)
    this.keep("focus", this.text)
  }

  has(group) {
    return group.every(cluster => this.clusters.has(cluster))
  }

  toggle(group) {
    const others = [...this.clusters].filter(cluster => !group.includes(cluster))
    this.set(this.has(group) ? others : [...others, ...group])
  }

  get text() {
    return [...this.clusters].sort((a, b) => a - b).map(cluster => cluster + 1).join(".")
  }

  // A value of the link that only the browser has to know.
  keep(name, value) {
    const url = new URL(location)
    if ((url.searchParams.get(name) ?? "") === value) return
    if (value) url.searchParams.set(name, value)
    else url.searchParams.delete(name)
    history.replaceState(history.state, "", url)
  }
}()
