// What the platform's page tells of itself: whether it is connected, and whether a run is going on.
const app = () => document.querySelector("[data-testid=stApp]")
const isConnected = () => app()?.dataset.testConnectionState === "CONNECTED"
const isIdle = () => isConnected() && app().dataset.testScriptState === "notRunning"

const ATTRIBUTES = ["data-test-connection-state", "data-test-script-state"]

function observe(changed) {
  const observer = new MutationObserver(changed)
  observer.observe(app(), { attributeFilter: ATTRIBUTES })
  return observer
}

// Resolves when no run of the page is going on.
export function idle() {
  return new Promise(resolve => {
    if (isIdle()) {
      resolve()
      return
    }
    const observer = observe(() => {
      if (!isIdle()) return
      observer.disconnect()
      resolve()
    })
  })
}

// Call `reconnected` each time that the page is connected again.
export function onReconnect(reconnected, signal) {
  let connected = isConnected()
  const observer = observe(() => {
    const before = connected
    connected = isConnected()
    if (connected && !before) reconnected()
  })
  signal.addEventListener("abort", () => observer.disconnect())
}
