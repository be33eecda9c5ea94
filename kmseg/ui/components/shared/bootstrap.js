// Every component's script is this file, preceded by definitions of BUNDLE, the path of the script
// with all components, and COMPONENT, the component's name. It loads that script from the server
// and forwards calls to the component. The server's root may be below another path; it is derived
// from the address of Streamlit's own script.
const streamlit = document.querySelector("script[src*='static/js/']")
const root = streamlit ? streamlit.src.split("static/js/")[0] : document.baseURI
const waiting = new Map() // parent element -> last call received before the component loaded
let component

// Until the component has loaded, its content on the page is inert, because clicks would be lost.
function setInert({ parentElement }, inert) {
  for (const element of parentElement.children) element.inert = inert
}

function showFailure({ parentElement }) {
  const note = document.createElement("p")
  note.setAttribute("role", "alert")
  note.textContent = "This part of the page could not be loaded. Reload the page."
  parentElement.replaceChildren(note)
}

async function load() {
  try {
    const { components } = await import(new URL(BUNDLE, root))
    component = components[COMPONENT]
  } catch (error) {
    console.error(error)
    component = showFailure
  }
  for (const call of waiting.values()) call()
  waiting.clear()
}

load()

export default function (message) {
  if (component) {
    setInert(message, false) // undo `inert`, which a call cancelled before loading may have left
    return component(message)
  }
  const { parentElement } = message
  const call = () => {
    setInert(message, false)
    close = component(message)
  }
  let close = () => waiting.get(parentElement) === call && waiting.delete(parentElement)
  setInert(message, true)
  waiting.set(parentElement, call)
  return () => close?.()
}
