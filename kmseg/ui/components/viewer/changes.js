// Milliseconds after which a change no longer waits for the answer to the last one: a slow engine
// is at work, or the connection was lost.
const PATIENCE = 5000

// Sends changes of K and colour space one after the other. Streamlit abandons a run when another
// message comes, so a change waits until the last one is answered. Only the newest change of each
// control waits. One that is not final, as while the slider is dragged, also waits until that
// answer is on the screen, so that each K that is passed is seen.
export class Changes {
  waiting = new Map() // control -> the change to send

  // send(change): send it to the server; changed(): called after a request
  constructor(send, changed) {
    Object.assign(this, { send, changed })
  }

  // Whether the server has changes still to answer.
  get busy() {
    return this.waiting.size > 0 || Boolean(this.sent && !this.sent.answered)
  }

  request(change) {
    this.waiting.delete(change.what)
    this.waiting.set(change.what, change)
    this.flush()
    this.changed()
  }

  // A message came. `answers` is the number of the last change that the server knew of. A server that
  // was started anew begins another visit: before its first run it does not know the viewer, so a
  // change that was sent to it is lost.
  receive(answers, visit) {
    const { sent } = this
    const lost = this.visit !== undefined && this.visit !== visit && sent?.number !== answers
    this.visit = visit
    if (lost && this.busy) {
      this.repeat()
      return
    }
    if (!sent || (sent.number !== answers && !sent.overdue)) return
    sent.answered = true
    this.flush()
  }

  // The server was away: send what it has not answered. Returns whether there is any such change.
  resume() {
    const { busy } = this
    if (busy) this.repeat()
    return busy
  }

  repeat() {
    const { sent } = this
    this.sent = undefined
    if (sent && !sent.answered && !this.waiting.has(sent.change.what)) {
      this.waiting.set(sent.change.what, sent.change)
    }
    this.flush()
  }

  // What the last message named is on the screen, or could not be fetched.
  settle() {
    if (!this.sent?.answered) return
    this.sent.settled = true
    this.flush()
  }

  flush() {
    const [change] = this.waiting.values()
    if (!change || !this.mayFollow(change)) return
    this.waiting.delete(change.what)
    this.close()
    const sent = { number: Date.now(), change }
    this.sent = sent
    this.timer = setTimeout(() => {
      sent.overdue = true
      this.flush()
    }, PATIENCE)
    this.send({ ...change, number: sent.number })
  }

  mayFollow(change) {
    const { sent } = this
    if (!sent || sent.settled) return true
    return sent.answered ? change.final : sent.overdue
  }

  close() {
    clearTimeout(this.timer)
  }
}
