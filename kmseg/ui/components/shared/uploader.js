// Files on their way to the server. They take the ordinary path, by the platform's own uploader,
// which is out of sight; its requests are observed to tell how far each file is.
import { make } from "./helpers.js"

const INPUT = "[data-testid=stFileUploaderDropzoneInput]"
const ADDRESS = /\/_stcore\/upload_file\/[^/]+\/([^/?]+)$/
const PATIENCE = 3000 // milliseconds that a file may take to set out, before the next ones are sent
// Telephones offer their camera and their pictures for image/*, and others by these names too.
const NAMED = ".tif,.tiff,.dng,.avif,.webp,.bmp,.heic"

const idOf = file => [file.name, file.size, file.lastModified].join("/")

// The first element of the page that matches, as soon as there is one.
function element(selector) {
  const find = () => document.querySelector(selector)
  return new Promise(resolve => {
    if (find()) {
      resolve(find())
      return
    }
    const observer = new MutationObserver(() => {
      if (!find()) return
      observer.disconnect()
      resolve(find())
    })
    observer.observe(document.body, { childList: true, subtree: true })
  })
}

// Events: "sending" and "failed" with an upload as their detail, "change" for any progress.
class Uploads extends EventTarget {
  sending = new Map() // id -> { id, file, part, request, fileId, done }
  failed = new Map() // id -> { id, name, sentence, again }
  maxBytes = Infinity
  queue = Promise.resolve()

  constructor() {
    super()
    const follow = (...upload) => this.follow(...upload)
    const { open, send } = XMLHttpRequest.prototype
    XMLHttpRequest.prototype.open = function (method, address, ...others) {
      this.kmsegFile = method.toUpperCase() === "PUT" ? ADDRESS.exec(address)?.[1] : undefined
      return open.call(this, method, address, ...others)
    }
    XMLHttpRequest.prototype.send = function (body) {
      const file = this.kmsegFile && body instanceof FormData
        && [...body.values()].find(value => value instanceof File)
      if (file) follow(this, file, this.kmsegFile)
      return send.call(this, body)
    }
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }))
  }

  announce(file) {
    const upload = { id: idOf(file), file, part: 0 }
    this.failed.delete(upload.id)
    this.sending.set(upload.id, upload)
    this.tell("sending", upload)
    this.tell("change")
    return upload
  }

  // The request of a file that was announced, or that came by another way such as the camera.
  follow(request, file, fileId) {
    const announced = [...this.sending.values()].find(
      ({ file: other, request: begun }) => !begun && other.name === file.name && other.size === file.size,
    )
    const upload = announced ?? this.announce(file)
    Object.assign(upload, { request, fileId })
    this.tell("sending", upload)
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      upload.part = loaded / total
      this.tell("change")
    })
    request.addEventListener("loadend", () => this.end(upload))
  }

  end(upload) {
    if (this.sending.get(upload.id) !== upload) return // it was cancelled
    const { status, responseText } = upload.request
    upload.done = true
    if (status >= 400) this.fail(upload, responseText.trim() || "It could not be sent.", "")
    else if (!status) this.fail(upload, "The connection broke while it was sent.", "send")
    this.tell("change")
  }

  fail({ id, file: { name } }, sentence, again) {
    this.sending.delete(id)
    this.failed.set(id, { id, name, sentence, again })
    this.tell("failed", { id, again })
    this.tell("change")
  }

  // The page has an answer for these files.
  settle(fileIds) {
    for (const { id, fileId } of this.sending.values()) {
      if (fileIds.has(fileId)) this.sending.delete(id)
    }
  }

  // New connection: uploads not yet started are dropped, and finished ones will get no answer.
  restart() {
    for (const { id, request, done } of this.sending.values()) {
      if (!request || done) this.sending.delete(id)
    }
    this.tell("change")
  }

  cancel(id) {
    const upload = this.sending.get(id)
    this.sending.delete(id)
    this.failed.delete(id)
    upload?.request?.abort()
    this.tell("change")
  }

  async send(files) {
    const most = Math.floor(this.maxBytes / 2 ** 20)
    const tooLarge = `The file is larger than ${most} MB, the most that is accepted.`
    const batch = []
    for (const file of files) {
      if (file.size > this.maxBytes) this.fail({ id: idOf(file), file }, tooLarge, "")
      else batch.push(this.announce(file))
    }
    if (!batch.length) return
    const input = await element(INPUT)
    const transfer = new DataTransfer()
    for (const { file } of batch) transfer.items.add(file)
    input.files = transfer.files
    input.dispatchEvent(new Event("change", { bubbles: true }))
    // The uploader drops files that it is still looking at when others come.
    const end = performance.now() + PATIENCE
    while (performance.now() < end && batch.some(({ request }) => !request)) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

export const uploads = window.kmsegUploads ??= new Uploads()

// Send files to the server; the page then shows the last of them.
export function sendFiles(files) {
  const list = [...files]
  uploads.queue = uploads.queue.then(() => uploads.send(list)).catch(console.error)
  return uploads.queue
}

// Open the device's dialog for files; must be called while a click or a key press is handled.
export function chooseFiles() {
  const input = make("input")
  input.type = "file"
  input.multiple = true
  input.hidden = true
  if (matchMedia("(pointer: coarse)").matches) input.accept = `image/*,${NAMED}`
  input.addEventListener("change", () => {
    sendFiles(input.files)
    input.remove()
  })
  input.addEventListener("cancel", () => input.remove())
  document.body.append(input) // some browsers tell nothing of one that is not on the page
  input.click()
}
