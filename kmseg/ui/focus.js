// What only the browser has to know, shared by the page's components: which clusters are in focus,
// numbered from 0, and how the pictures are laid out and painted. It is kept in the address.
const focus = window.kmsegFocus ??= new class extends EventTarget {
  clusters = new Set()
  values = new Map() // name in the address -> value

  constructor() {
    super()
    addEventListener("popstate", () => (this.moved = true))
    // The server writes addresses without it.
    for (const name of ["pushState", "replaceState"]) {
      const write = history[name].bind(history)
      history[name] = (state, unused, url) => write(state, unused, this.completed(url))
    }
  }

  completed(address) {
    const url = new URL(address ?? location, location)
    for (const [name, value] of this.values) {
      if (value) url.searchParams.set(name, value)
      else url.searchParams.delete(name)
    }
    return url
  }

  keep(name, value) {
    this.values.set(name, value)
    if (this.completed().href !== location.href) history.replaceState(history.state, "")
  }

  inAddress(name) {
    return new URL(location).searchParams.get(name) ?? ""
  }

  // Another segmentation, named by its address, has other clusters: none is in focus, unless its
  // link says so. The server's new address may be there already, or yet to come.
  enter(segmentation, count) {
    if (this.segmentation === segmentation) return
    const linked = this.segmentation === undefined || this.moved
    this.segmentation = segmentation
    this.count = count
    this.moved = false
    const numbers = linked ? this.inAddress("focus").split(".") : []
    this.hold(numbers.map(number => number - 1))
    const shown = new URL(location).searchParams
    const arrived = [...new URLSearchParams(segmentation)].every(([k, v]) => shown.get(k) === v)
    if (arrived) this.keep("focus", this.text)
  }

  hold(clusters) {
    const known = clusters.filter(c => Number.isInteger(c) && c >= 0 && c < this.count)
    this.clusters = new Set(known)
    this.values.set("focus", this.text)
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
}()
