export default function ({ data, parentElement, setTriggerValue }) {
  const pair = parentElement.querySelector(".pair")
  const [original, segmentation] = pair.querySelectorAll("img")
  pair.style.setProperty("--aspect", data.width / data.height)
  pair.classList.toggle("pick", data.pick)
  pair.classList.toggle("enlarged", data.width < 400)
  for (const [image, url] of [[segmentation, data.segmentation], [original, data.original]]) {
    const source = address(url)
    image.width = data.width
    image.height = data.height
    if (image.src !== source) image.src = source
  }
  segmentation.alt = data.description
  pair.querySelector(".caption").textContent = data.caption
  pair.querySelector(".hint").textContent = data.hint
  original.onclick = event => {
    if (!data.pick) return
    const box = original.getBoundingClientRect()
    setTriggerValue("picked", {
      x: (event.clientX - box.left) / box.width,
      y: (event.clientY - box.top) / box.height,
    })
  }
}
