// Runs in the page's head, before Streamlit's scripts: tells the page and the visitor whether the
// server is there. Each change of the connection is an event `kmseg:connection` of the window, with
// "open" or "closed" as its detail.
(() => {
  const SHORT = 1000 // milliseconds that a connection may be lost before the page says so
  const BRIEF = 3000 // milliseconds for which it says that it is back
  let current // socket
  let state

  function showSign() {
    const sign = document.getElementById("kmseg-connection")
    let timer
    addEventListener("kmseg:connection", ({ detail }) => {
      clearTimeout(timer)
      if (detail === "closed") {
        // Put it above what is in full screen by now; what it says is announced when it is shown.
        sign.togglePopover?.(false)
        sign.togglePopover?.(true)
        timer = setTimeout(() => {
          sign.textContent = "Reconnecting… You can still zoom and put clusters in focus."
        }, SHORT)
      } else if (sign.textContent) {
        sign.textContent = "Connected again."
        timer = setTimeout(() => sign.replaceChildren(), BRIEF)
      }
    })
  }

  function change(socket, to) {
    if (socket !== current || state === to) return
    state = to
    dispatchEvent(new CustomEvent("kmseg:connection", { detail: to }))
  }

  window.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols)
      if (!new URL(url, location).pathname.endsWith("/_stcore/stream")) return
      current = this
      // After Streamlit's own listeners, so that it can send again.
      this.addEventListener("open", () => setTimeout(change, 0, this, "open"))
      this.addEventListener("close", () => setTimeout(change, 0, this, "closed"))
    }
  }
  addEventListener("DOMContentLoaded", showSign)

  // Streamlit's dialog on a lost connection is written for the developer of a page.
  const key = "__streamlit"
  const config = { ...window[key]?.HOST_CONFIG, blockErrorDialogs: true }
  window[key] = { ...window[key], HOST_CONFIG: config }
})()
