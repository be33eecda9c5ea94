// The script of a saved page. It follows the components (kmseg/ui/components/modules.py), which are
// called as Streamlit calls them on the page.
const byId = id => document.getElementById(id)
const records = JSON.parse(byId("data").textContent)
let plotly // address of the library, once it is unpacked

const writeAddress = history.replaceState.bind(history)
history.replaceState = (...change) => {
  try {
    writeAddress(...change)
  } catch { // some browsers do not let a file change its address: a reload then loses the focus
  }
}

function draw(name, change) {
  const parentElement = byId(name).shadowRoot ?? byId(name)
  const data = { ...records[name], ...change }
  components[name]({ parentElement, data, setTriggerValue() {} })
}

async function unpack(base64) {
  const { body } = await fetch(`data:application/gzip;base64,${base64}`)
  const script = await new Response(body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer()
  return URL.createObjectURL(new Blob([script], { type: "text/javascript" }))
}

function drawCloud() {
  if (plotly) draw("cloud", { plotly, paint: document.querySelector("[name=cloud]:checked").value })
}

async function openCloud() {
  try {
    plotly = await unpack(byId("plotly").textContent)
    drawCloud()
  } catch (error) {
    console.error(error)
    byId("cloud").querySelector("[role=status]").textContent = "This browser cannot draw the cloud."
  }
}

draw("viewer")
draw("table")
new IntersectionObserver((entries, observer) => {
  if (!entries.some(entry => entry.isIntersecting)) return
  observer.disconnect()
  openCloud()
}, { rootMargin: "200px" }).observe(byId("cloud"))
for (const input of document.querySelectorAll("[name=cloud]")) {
  input.addEventListener("change", drawCloud)
}
matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => {
  draw("viewer") // the colors of the veil and of the cloud follow the theme
  drawCloud()
})
