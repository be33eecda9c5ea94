const MAX_REMEMBERED = 64 // segmentations whose focus is remembered

// State of the page that only the browser needs: the clusters in focus, numbered from 0, and the
// viewer's layout and paint. It is stored in query parameters of the address.
class Focus extends EventTarget {
  clusters = new Set()
  left = new Map() // segmentation shown earlier -> its focus, as in the address
  parameters = new Map() // name in the address -> value

  constructor() {
    super()
    addEventListener("popstate", () => this.navigate())
    // Add these parameters to addresses that the server writes.
    for (const name of ["pushState", "replaceState"]) {
      const write = history[name].bind(history)
      history[name] = (state, unused, url) => write(state, unused, this.withParameters(url))
    }
  }

  withParameters(address) {
    const url = new URL(address ?? location, location)
    for (const [name, value] of this.parameters) {
      if (value) url.searchParams.set(name, value)
      else url.searchParams.delete(name)
    }
    return url
  }

  setParameter(name, value) {
    this.parameters.set(name, value)
    const url = this.withParameters(this.complete())
    if (url.href !== location.href) history.replaceState(history.state, "", url)
  }

  // The address as a link to the current segmentation. An address without its version, "v", opens
  // the default picture, so the segmentation's parameters are added to it.
  complete() {
    const url = new URL(location)
    if (url.searchParams.has("v")) return url
    for (const [name, value] of new URLSearchParams(this.segmentation)) {
      url.searchParams.set(name, value)
    }
    return url
  }

  fromAddress(name) {
    const shown = new URL(location).searchParams
    return shown.has("v") ? shown.get(name) ?? "" : ""
  }

  // Show a segmentation of `count` clusters. `segmentation` is its part of the address. Its focus
  // comes from the link, otherwise from the last time it was shown. The server writes the new
  // address before or after this call.
  enter(segmentation, count) {
    if (this.segmentation === segmentation) return
    const left = this.left.get(segmentation)
    if (this.segmentation === undefined) this.pending = this.fromAddress("focus")
    else this.leave()
    this.segmentation = segmentation
    this.first ??= segmentation
    this.count = count
    this.parse(this.pending ?? left)
    this.pending = undefined
    const isWritten = this.fromAddress("focus") === this.text
    if (this.isInAddress() && !isWritten) this.setParameter("focus", this.text)
  }

  leave() {
    this.left.delete(this.segmentation) // so that it becomes the last entry
    this.left.set(this.segmentation, this.text)
    if (this.left.size > MAX_REMEMBERED) this.left.delete(this.left.keys().next().value)
  }

  // After Back or Forward, the address names this segmentation or one that the server will send.
  navigate() {
    const linked = this.fromAddress("focus")
    this.parameters.set("focus", linked) // kept in addresses that the server writes meanwhile
    this.pending = this.isInAddress() ? undefined : linked
    if (this.isInAddress()) this.parse(linked)
  }

  // Only the initial address may lack parameters; their values are those of the first segmentation.
  isInAddress() {
    const [first, shown] = [this.first, this.segmentation].map(text => new URLSearchParams(text))
    const { searchParams } = new URL(location)
    return [...shown].every(([k, v]) => (searchParams.get(k) ?? first.get(k)) === v)
  }

  parse(text) {
    this.replace((text ?? "").split(".").map(number => number - 1))
  }

  // Change the clusters in focus without writing the address.
  replace(clusters) {
    const known = clusters.filter(c => Number.isInteger(c) && c >= 0 && c < this.count)
    this.clusters = new Set(known)
    this.parameters.set("focus", this.text)
    this.dispatchEvent(new Event("change"))
  }

  set(clusters) {
    this.replace(clusters)
    this.setParameter("focus", this.text)
  }

  has(group) {
    return group.every(cluster => this.clusters.has(cluster))
  }

  toggle(group) {
    const others = [...this.clusters].filter(cluster => !group.includes(cluster))
    this.set(this.has(group) ? others : [...others, ...group])
  }

  get text() {
    return [...this.clusters].toSorted((a, b) => a - b).map(cluster => cluster + 1).join(".")
  }
}

// One instance per page, even if the server is updated while the page is open: the modules are then
// loaded again from a new address.
export const focus = window.kmsegFocus ??= new Focus()
