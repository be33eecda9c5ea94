// What the viewer shows in place of its segmentation: a frame of a run, or null for none. A frame has
// segmentation: the segmentation's part of the address; the viewer shows frames of its own only
// width, height, labels: of the preview; labels are null before pixels are assigned
// rgba: the preview's pixels, packed, if there are no labels
// palette, counts: color as "#rrggbb" and pixels of each cluster; counts are null if unknown
// changed: 1 for each pixel that changed cluster and should flash, or null
// marks: points of the picture, { x, y, name, color }, x and y as fractions of its size
// caption, sentence: texts below the picture, the sentence in full screen only
// The viewer's own buttons, in full screen, dispatch "control" with an action as detail: "back",
// "play" or "forward".
class Playback extends EventTarget {
  frame = null
  playing = false

  show(frame) {
    this.frame = frame
    this.dispatchEvent(new Event("change"))
  }

  setPlaying(playing) {
    this.playing = playing
    this.dispatchEvent(new Event("change"))
  }

  control(action) {
    this.dispatchEvent(new CustomEvent("control", { detail: action }))
  }
}

// One instance per page, like `focus`.
export const playback = window.kmsegPlayback ??= new Playback()
