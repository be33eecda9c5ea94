// Restores uploads: sends this tab's kept pictures that the server's session lacks.
import { sendFiles, uploads } from "../shared/uploader.js"
import { keeper } from "./keeper.js"
import { idle } from "./status.js"
import { sleep } from "../shared/helpers.js"

const TRIES = 5
const ANSWER_TIME = 2000 // milliseconds
const POLL = 50 // milliseconds

const isNamed = (name, key = "") => name === "upload" || name === `upload-${key.slice(0, 8)}`

// State of the page, which outlives the strip's element.
const state = window.kmsegReturning ??= {
  session: "", // the server's session
  sent: new Set(), // ids of files that were sent on this connection
  asked: false, // whether the visitor asked to restore the pictures
  restoring: Promise.resolve(),
}

// A new session or connection may lack the files of the last one.
function begin(session) {
  state.session = session
  state.sent.clear()
  uploads.restart()
}

export function enter(session) {
  if (state.session !== session) begin(session)
}

export function reconnect() {
  begin(state.session)
}

// A file is restored only once per connection, whether it succeeds or fails.
uploads.addEventListener("sending", ({ detail }) => state.sent.add(detail.id))

// The kept pictures that the session lacks.
function missing(files) {
  const held = new Set(Object.values(files))
  return keeper.own.filter(({ key, fileId }) => !held.has(key) && !(fileId in files))
}

// Whether the picture that the link names may still arrive.
export function isComing(wanted, files) {
  return missing(files).some(
    ({ id, key }) => isNamed(wanted, key) && !uploads.failed.has(id)
      && (uploads.sending.has(id) || !state.sent.has(id)),
  )
}

// Tell the server which pictures come back, so that it does not open them as new ones.
async function expect(keys, latest, send) {
  for (let tries = 0; tries < TRIES; tries++) {
    send("returning", keys)
    for (let waited = 0; waited < ANSWER_TIME; waited += POLL) {
      await sleep(POLL)
      const data = latest()
      if (keys.every(key => data.expected.includes(key))) return
    }
  }
}

// `latest` returns the last message, and `send` sends an event to the server. One call after the
// other, so that no picture is sent twice.
export function bringBack(latest, send) {
  state.restoring = state.restoring.then(() => restore(latest, send)).catch(console.error)
  return state.restoring
}

async function restore(latest, send) {
  await keeper.ready
  const unsent = () => missing(latest().files).filter(({ id }) => !state.sent.has(id))
  const isWanted = ({ key }) => Boolean(latest().wanted) && isNamed(latest().wanted, key)
  let entries = unsent().filter(isWanted)
  if (entries.length) {
    state.asked = false // only the wanted picture opens, not the last one of the others
  } else {
    if (!unsent().length) return
    await idle() // sending now would abort the current script run
    entries = unsent()
    const keys = entries.map(({ key }) => key).filter(Boolean)
    if (keys.length && !state.asked) await expect(keys, latest, send)
    state.asked = false
  }
  if (entries.length) await sendFiles(entries.map(({ file }) => file))
}

// Take over the pictures of other tabs, at the visitor's request.
export async function adopt() {
  state.asked = true
  await keeper.adopt(keeper.others)
}

// Send a file again that was refused because there was no room or no connection.
export function sendAgain(fileOrId) {
  const entry = keeper.own.find(({ id, fileId }) => fileOrId === id || fileOrId === fileId)
  if (entry) sendFiles([entry.file])
}
