// Opens files that are dropped anywhere on the page, or pasted.
import { isInAnother, sendFiles } from "../shared/uploader.js"

const hasFiles = event => event.dataTransfer?.types.includes("Files")

function filesOf(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file")
  const files = items.filter(item => !item.webkitGetAsEntry?.()?.isDirectory)
  return files.map(item => item.getAsFile()).filter(Boolean)
}

function allow(event) {
  if (!hasFiles(event)) return
  event.preventDefault()
  event.dataTransfer.dropEffect = "copy"
}

function paste(event) {
  if (!event.clipboardData?.files.length) return
  event.preventDefault()
  event.stopPropagation()
  sendFiles(event.clipboardData.files)
}

export function takeDropsAndPastes(overlay, signal) {
  // dragenter minus dragleave events: the next element is entered before the last is left.
  let depth = 0
  let own = false // whether a picture of the page itself is dragged

  function show(shown) {
    if (!shown) depth = 0
    overlay.togglePopover(shown)
  }

  function enter(event) {
    if (own || !hasFiles(event)) return
    depth += 1
    show(true)
  }

  function leave(event) {
    if (own || !hasFiles(event)) return
    depth -= 1
    if (depth <= 0) show(false)
  }

  function drop(event) {
    if (own || !hasFiles(event)) return
    show(false)
    if (isInAnother(event.target)) return
    event.preventDefault()
    event.stopPropagation()
    sendFiles(filesOf(event.dataTransfer))
  }

  const handlers = {
    dragstart: () => (own = true),
    dragend: () => (own = false),
    dragenter: enter,
    dragleave: leave,
    dragover: allow,
    drop,
    paste,
  }
  for (const [name, handler] of Object.entries(handlers)) {
    addEventListener(name, handler, { signal, capture: true })
  }
}
