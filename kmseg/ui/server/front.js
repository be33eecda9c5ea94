// Runs in the page's head before Streamlit's scripts, and shows a notice when the connection to the
// server is lost. Each change dispatches an event `kmseg:connection` to the window, whose detail is
// "open" or "closed".
(() => {
  const SHORT = 1000 // milliseconds without a connection before the notice appears
  const BRIEF = 3000 // milliseconds for which "Connected again." is shown
  let current // socket
  let state

  function showNotice() {
    const notice = document.getElementById("kmseg-connection")
    let timer
    addEventListener("kmseg:connection", ({ detail }) => {
      clearTimeout(timer)
      if (detail === "closed") {
        // Raise the notice above a full-screen element. Its text is set later, so that screen
        // readers announce it.
        notice.togglePopover?.(false)
        notice.togglePopover?.(true)
        timer = setTimeout(() => {
          notice.textContent = "Reconnecting… You can still zoom and put clusters in focus."
        }, SHORT)
      } else if (notice.textContent) {
        notice.textContent = "Connected again."
        timer = setTimeout(() => notice.replaceChildren(), BRIEF)
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
      // Run after Streamlit's own listeners, so that messages can be sent again.
      this.addEventListener("open", () => setTimeout(change, 0, this, "open"))
      this.addEventListener("close", () => setTimeout(change, 0, this, "closed"))
    }
  }
  addEventListener("DOMContentLoaded", showNotice)

  // Suppress Streamlit's dialog about a lost connection, which is written for developers.
  const key = "__streamlit"
  const config = { ...window[key]?.HOST_CONFIG, blockErrorDialogs: true }
  window[key] = { ...window[key], HOST_CONFIG: config }
})()
