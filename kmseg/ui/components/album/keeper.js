// The visitor's uploads, stored in this browser's IndexedDB. If that fails, because it is full or
// the window is private, they are kept only while the page is open.

const MOST_FILES = 8
const MOST_BYTES = 200e6
const MOST_TIME = 7 * 24 * 3600e3 // milliseconds

// Identifier of this tab, which is kept on reload until the tab is closed.
function tabId() {
  const fresh = [...crypto.getRandomValues(new Uint8Array(8))].join("-")
  try {
    return sessionStorage.kmsegTab ??= fresh
  } catch {
    return fresh
  }
}

const done = request => new Promise((resolve, reject) => {
  request.addEventListener("success", () => resolve(request.result))
  request.addEventListener("error", () => reject(request.error))
})

function opened() {
  const request = indexedDB.open("kmseg", 1)
  request.addEventListener("upgradeneeded", () => {
    request.result.createObjectStore("pictures", { keyPath: "id" })
  })
  return done(request)
}

class Keeper {
  tab = tabId()
  entries = new Map() // id -> { id, tabs, file, fileId, key, time }; oldest first

  constructor() {
    this.ready = this.load()
  }

  async load() {
    try {
      this.database = await opened()
      const found = await done(this.store("readonly").getAll())
      const present = [...this.entries.values()] // added while the database was opening
      const all = [...found.toSorted((a, b) => a.time - b.time), ...present]
      this.entries = new Map(all.map(entry => [entry.id, entry]))
      this.evict()
    } catch (error) {
      console.info("Pictures are not kept in this browser.", error)
    }
    this.isReady = true
  }

  store(mode = "readwrite") {
    return this.database.transaction("pictures", mode).objectStore("pictures")
  }

  async write(change) {
    await this.ready
    try {
      if (this.database) await done(change(this.store()))
    } catch (error) {
      console.info("A picture is not kept in this browser.", error)
    }
  }

  put(entry) {
    return this.write(store => store.put(entry))
  }

  remove({ id }) {
    this.entries.delete(id)
    return this.write(store => store.delete(id))
  }

  keep({ id, file, fileId }) {
    const known = this.entries.get(id) ?? { id, tabs: [], file }
    const tabs = new Set(known.tabs)
    known.fileId = fileId
    if (tabs.has(this.tab)) return
    this.entries.delete(id)
    this.entries.set(id, Object.assign(known, { tabs: [...tabs, this.tab], time: Date.now() }))
    this.put(known)
    this.evict()
  }

  // Keep the newest, within limits on number, total bytes and age.
  evict() {
    let [files, bytes] = [0, 0]
    for (const entry of [...this.entries.values()].toReversed()) {
      files += 1
      bytes += entry.file.size
      const old = Date.now() - entry.time > MOST_TIME
      if (old || files > MOST_FILES || bytes > MOST_BYTES) this.remove(entry)
    }
  }

  // Learn from the server which picture is in each file; `files` maps file ids to picture keys.
  learn(files) {
    for (const entry of this.entries.values()) {
      const key = files[entry.fileId]
      if (!key || key === entry.key) continue
      entry.key = key
      const same = [...this.entries.values()].filter(other => other !== entry && other.key === key)
      for (const other of same) this.remove(other)
      this.put(entry)
    }
  }

  async adopt(entries) {
    for (const entry of entries) {
      entry.tabs = [...entry.tabs, this.tab]
      await this.put(entry)
    }
  }

  forget() {
    this.entries.clear()
    return this.write(store => store.clear())
  }

  get own() {
    return [...this.entries.values()].filter(({ tabs }) => tabs.includes(this.tab))
  }

  get others() {
    return [...this.entries.values()].filter(({ tabs }) => !tabs.includes(this.tab))
  }
}

export const keeper = window.kmsegKeeper ??= new Keeper()