import { component } from "../shared/component.js"
import { onReconnect } from "../shared/connection.js"
import { chooseFiles, uploads } from "../shared/uploader.js"
import { takeDropsAndPastes } from "./drops.js"
import { keeper } from "./keeper.js"
import { showRefused } from "./refused.js"
import { adopt, bringBack, enter, isComing, reconnect, sendAgain } from "./returning.js"
import { Strip } from "./strip.js"
import { sleep } from "../shared/helpers.js"

const BRINGING = "Bringing back your pictures…"
const ANSWER_TIME = 1000 // milliseconds in which the first run on a new connection begins

class Album {
  constructor(root, signal) {
    this.root = root
    this.strip = new Strip(root, signal, {
      pick: key => this.send("picked", key),
      remove: key => this.remove(key),
      cancel: id => {
        uploads.cancel(id)
        const entry = keeper.entries.get(id)
        if (entry) keeper.remove(entry)
      },
    })
    takeDropsAndPastes(root.querySelector(".drop"), signal)
    this.connectButtons(signal)
    uploads.addEventListener("sending", ({ detail }) => keeper.keep(detail), { signal })
    uploads.addEventListener("failed", ({ detail }) => this.discard(detail), { signal })
    uploads.addEventListener("change", () => this.show(), { signal })
    onReconnect(signal, () => this.resume())
    keeper.ready.then(() => this.show())
  }

  connectButtons(signal) {
    const actions = {
      ".open": chooseFiles,
      ".forget": () => this.forget(),
      ".about": ({ currentTarget }) => {
        const note = this.root.querySelector(".kept")
        note.hidden = !note.hidden
        currentTarget.setAttribute("aria-expanded", String(!note.hidden))
      },
      ".yes": async () => {
        await adopt()
        this.show()
        this.bringBack()
      },
      ".no": async () => {
        for (const entry of keeper.others) await keeper.remove(entry)
        this.show()
      },
    }
    for (const [selector, action] of Object.entries(actions)) {
      this.root.querySelector(selector).addEventListener("click", action, { signal })
    }
  }

  async update({ data, setTriggerValue }) {
    Object.assign(this, { data, send: setTriggerValue })
    uploads.maxBytes = data.max_bytes
    uploads.extensions = data.extensions
    enter(data.session)
    this.root.dataset.session = data.session
    const refused = data.refused.map(({ file }) => file)
    uploads.settle(new Set([...Object.keys(data.files), ...refused]))
    this.show()
    await keeper.ready
    keeper.learn(data.files)
    for (const refusal of data.refused) {
      if (!refusal.again) this.discard({ fileId: refusal.file, again: "" })
    }
    this.show()
    this.bringBack()
  }

  // A run on the new connection lists the session's files, of which a restarted server has none.
  // Then send the files that could not be sent meanwhile.
  async resume() {
    reconnect()
    this.send("again", Date.now())
    await sleep(ANSWER_TIME)
    this.bringBack()
  }

  bringBack() {
    return bringBack(() => this.data, (name, value) => this.send(name, value))
  }

  // Do not keep files that can never be opened here.
  discard({ id, fileId, again }) {
    const entry = keeper.own.find(other => other.id === id || (fileId && other.fileId === fileId))
    if (entry && !again) keeper.remove(entry)
  }

  remove(key) {
    for (const entry of keeper.entries.values()) if (entry.key === key) keeper.remove(entry)
    this.send("removed", [key])
  }

  async forget() {
    for (const id of uploads.sending.keys()) uploads.cancel(id)
    await keeper.forget()
    this.send("forgotten", Date.now())
    this.show()
  }

  show() {
    if (!this.data) return
    const { root, data } = this
    root.querySelector(".open").hidden = Boolean(data.chosen) // the viewer has one then
    this.strip.show(data, uploads.sending.values())
    root.querySelector(".forget").hidden = !data.pictures.length && !uploads.sending.size
    root.querySelector(".kept").textContent = data.kept
    const why = root.querySelector(".why")
    why.hidden = !data.why
    why.textContent = data.why
    const offered = keeper.others.length
    root.querySelector(".offer").hidden = !offered
    const pictures = offered === 1 ? "picture" : `${offered} pictures`
    root.querySelector(".offer span").textContent = `Bring back your ${pictures}?`
    showRefused(root.querySelector(".refused"), [...data.refused, ...uploads.failed.values()], {
      dismiss: refusal => this.dismiss(refusal),
      again: refusal => this.tryAgain(refusal),
    })
    this.showStage()
  }

  // If the requested picture is missing, show a message in its place.
  showStage() {
    const { data } = this
    const stage = this.root.querySelector(".stage")
    stage.hidden = !data.wanted
    let sentence = ""
    if (keeper.isReady) sentence = isComing(data.wanted, data.files) ? BRINGING : data.missing
    if (stage.textContent !== sentence) stage.textContent = sentence
  }

  dismiss({ file, id }) {
    if (file) this.send("dismissed", [file])
    else uploads.cancel(id)
  }

  tryAgain({ file, id, again }) {
    if (again === "open") {
      this.send("again", Date.now())
      return
    }
    this.dismiss({ file, id })
    sendAgain(file ?? id)
  }
}

export default component(".album", (root, signal) => {
  const album = new Album(root, signal)
  return message => album.update(message)
})
