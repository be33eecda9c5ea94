import { address } from "../shared/server_url.js"

export function showOriginal(root, data) {
  root.style.setProperty("--aspect", data.width / data.height)
  const source = address(data.original)
  for (const image of root.querySelectorAll("img.original:not(.region)")) {
    if (image.src === source) continue
    image.removeAttribute("src") // otherwise the last picture is shown until this one has loaded
    image.src = source
  }
}

// Names and text alternatives of the two pictures.
export function describe(root, data) {
  root.querySelector(".original").alt = data.alt
  root.querySelector(".hint").textContent = data.hint
  root.querySelector("canvas.segmentation").setAttribute("aria-label", data.description)
  const focuses = "puts the cluster under it in focus"
  const effects = [data.pick ? "sets a starting colour" : focuses, focuses]
  root.querySelectorAll(".pane").forEach((pane, i) => {
    const keys = `arrow keys move a cross, Enter ${effects[i]}, plus and minus zoom`
    pane.setAttribute("aria-label", `${i ? "Segmentation" : "Original"}: ${keys}`)
  })
}
