// What the viewer shows over its pictures: the regions of its segmentation, or null for none. Regions
// are numbered from 1. They have
// labels: address of the viewer's labels that they belong to; the viewer shows no others
// width, height, numbers: the region of each pixel of the preview, 0 where there is none
// veils: for each number the opacity of its veil, 0 to 255
// clusters: the clusters, before merging, of the regions that are not veiled
// box: [left, top, right, bottom] of the chosen region, as fractions of the picture, or null
// A click on a picture dispatches "pick" with the number of the region as detail.
class Overlay extends EventTarget {
  regions = null

  show(regions) {
    this.regions = regions
    this.dispatchEvent(new Event("change"))
  }

  pick(number) {
    this.dispatchEvent(new CustomEvent("pick", { detail: number }))
  }
}

// One instance per page, like `focus`.
export const overlay = window.kmsegOverlay ??= new Overlay()
