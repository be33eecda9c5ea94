// What only the browser has to know, shared by the page's components: which clusters are in focus,
// numbered from 0, and how the pictures are laid out and painted. It is kept in the address.
const focus = window.kmsegFocus ??= new class extends EventTarget {
  clusters = new Set()
  values = new Map() // name in the address -> value

  constructor() {
    super()
    addEventListener("popstate", () => this.navigate())
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
    const linked = this.segmentation === undefined ? this.inAddress("focus") : this.awaited
    this.segmentation = segmentation
    this.count = count
    this.awaited = ""
    this.read(linked)
    if (this.isThere()) this.keep("focus", this.text)
  }

  // Back or forward: to another segmentation, which the server is about to send, or to this one.
  navigate() {
    const linked = this.inAddress("focus")
    this.values.set("focus", linked) // whatever the server writes into the address meanwhile
    if (this.isThere()) this.read(linked)
    else this.awaited = linked
  }

  isThere() {
    const shown = new URL(location).searchParams
    return [...new URLSearchParams(this.segmentation)].every(([k, v]) => shown.get(k) === v)
  }

  read(text) {
    this.hold((text ?? "").split(".").map(number => number - 1))
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
