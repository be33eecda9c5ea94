// Uploads to the server. Files are sent by Streamlit's own uploader, which is hidden. Its requests
// are observed to show the progress of each file.
import { make, sleep } from "./helpers.js"

const PICTURES = ".st-key-uploads" // where Streamlit's uploader of pictures is
const UPLOADER = "[data-testid=stFileUploader]"
const INPUT = `${PICTURES} [data-testid=stFileUploaderDropzoneInput]`
const ADDRESS = /\/_stcore\/upload_file\/[^/]+\/([^/?]+)$/
const PATIENCE = 3000 // timeout in milliseconds for uploads to start
const TRIES = 5 // attempts to start an upload: a page that is just being drawn may drop it

const idOf = file => [file.name, file.size, file.lastModified].join("/")

// Whether an element is part of an uploader of other files than pictures to open.
export function isInAnother(target) {
  const uploader = target.closest?.(UPLOADER)
  return Boolean(uploader && !uploader.closest(PICTURES))
}

// Resolves to the first element that matches, as soon as there is one.
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

// Events: "sending" and "failed" with an upload as their detail; "change" after any change.
class Uploads extends EventTarget {
  sending = new Map() // id -> { id, file, part, request, fileId, done }
  failed = new Map() // id -> { id, name, sentence, again }
  others = new Set() // name/size of files that are for another uploader
  maxBytes = Infinity
  extensions = []
  queue = Promise.resolve()

  constructor() {
    super()
    for (const name of ["change", "drop"]) document.addEventListener(name, event => this.note(event), true)
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

  // Note files for another uploader, as of a mask or of settings: they are no pictures of the strip.
  note({ target, dataTransfer }) {
    if (!isInAnother(target)) return
    for (const { name, size } of dataTransfer?.files ?? target.files) this.others.add(`${name}/${size}`)
  }

  // Observe the request of an announced file, or of a file from elsewhere, such as the camera.
  follow(request, file, fileId) {
    const announced = [...this.sending.values()].find(
      ({ file: other, request: begun }) => !begun && other.name === file.name && other.size === file.size,
    )
    if (!announced && this.others.delete(`${file.name}/${file.size}`)) return
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
    else if (!status) this.fail(upload, "The connection was lost during the upload.", "send")
    this.tell("change")
  }

  fail({ id, file: { name } }, sentence, again) {
    this.sending.delete(id)
    this.failed.set(id, { id, name, sentence, again })
    this.tell("failed", { id, again })
    this.tell("change")
  }

  // The server has processed these files.
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
    const tooLarge = `The file is larger than the limit of ${most} MB.`
    const batch = []
    for (const file of files) {
      if (file.size > this.maxBytes) this.fail({ id: idOf(file), file }, tooLarge, "")
      else batch.push(this.announce(file))
    }
    const pending = () => batch.filter(({ id, request }) => !request && this.sending.has(id))
    for (let i = 0; i < TRIES && pending().length; i++) {
      const input = await element(INPUT)
      const transfer = new DataTransfer()
      for (const { file } of pending()) transfer.items.add(file)
      input.files = transfer.files
      input.dispatchEvent(new Event("change", { bubbles: true }))
      // Wait until all uploads have started: new files would make the uploader drop pending ones.
      const end = performance.now() + PATIENCE
      while (performance.now() < end && pending().length) {
        await sleep(20)
      }
    }
    for (const upload of pending()) this.fail(upload, "The upload did not start.", "send")
  }
}

export const uploads = window.kmsegUploads ??= new Uploads()

// Send files to the server; the page then shows the last of them.
export function sendFiles(files) {
  const list = [...files]
  uploads.queue = uploads.queue.then(() => uploads.send(list)).catch(console.error)
  return uploads.queue
}

// Open the device's file dialog; must be called in the handler of a click or a key press.
export function chooseFiles() {
  const input = make("input")
  input.type = "file"
  input.multiple = true
  input.hidden = true
  // Phones offer their camera and photo library for image/*, and other files by their extensions.
  const accept = ["image/*", ...uploads.extensions.map(extension => `.${extension}`)]
  if (matchMedia("(pointer: coarse)").matches) input.accept = accept.join()
  input.addEventListener("change", () => {
    sendFiles(input.files)
    input.remove()
  })
  input.addEventListener("cancel", () => input.remove())
  document.body.append(input) // some browsers send no events to a detached input
  input.click()
}
