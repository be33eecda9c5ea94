// A line along something of known length, which the viewer lets the visitor draw for a view. It is
// two places [u, v], fractions of the picture's width and height, or null.
// "ask" asks for a line, "change" comes when it has changed.
class Ruler extends EventTarget {
  line = null

  ask() {
    this.dispatchEvent(new Event("ask"))
  }

  draw(line) {
    this.line = line
    this.dispatchEvent(new Event("change"))
  }
}

// One instance per page, like `focus`.
export const ruler = window.kmsegRuler ??= new Ruler()
