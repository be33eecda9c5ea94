// Tells when no script run is in progress, from attributes of Streamlit's page.
const app = () => document.querySelector("[data-testid=stApp]")
const isConnected = () => app()?.dataset.testConnectionState === "CONNECTED"
const isIdle = () => isConnected() && app().dataset.testScriptState === "notRunning"

const ATTRIBUTES = ["data-test-connection-state", "data-test-script-state"]

// Resolves once the page is connected and no script run is in progress.
export function idle() {
  return new Promise(resolve => {
    if (isIdle()) {
      resolve()
      return
    }
    const observer = new MutationObserver(() => {
      if (!isIdle()) return
      observer.disconnect()
      resolve()
    })
    observer.observe(app(), { attributeFilter: ATTRIBUTES })
  })
}
