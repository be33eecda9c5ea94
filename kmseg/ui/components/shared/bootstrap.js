// Every component's script is this file after a line that defines MODULES: the paths of the
// component's own module, first, and of all modules that it imports. It loads them from the server
// and passes the calls on. The server's root may lie below another path; Streamlit's own script
// always comes from there.
const streamlit = document.querySelector("script[src*='static/js/']")
const root = streamlit ? streamlit.src.split("static/js/")[0] : document.baseURI
const waiting = new Map() // parent element -> the last call that came before the module
let component

// What is on the page before the module cannot be clicked: the click would be lost.
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
    // All at once: imports that are found one after another take a round trip each.
    const [module] = await Promise.all(MODULES.map(path => import(new URL(path, root))))
    component = module.default
  } catch (error) {
    console.error(error)
    component = showFailure
  }
  for (const call of waiting.values()) call()
  waiting.clear()
}

load()

export default function (message) {
  if (component) return component(message)
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
