// Timeout in milliseconds for the answer to a change, after which the next change is sent anyway:
// the engine may be slow, or the connection lost.
const PATIENCE = 5000

// Sends changes of K and colour space one at a time. Streamlit aborts a run when it receives
// another message, so a change waits until the last one is answered. Only the newest change of each
// control is queued. A change that is not final, as during a drag of the slider, also waits until
// that answer is displayed, so that every intermediate result is seen.
export class Changes {
  waiting = new Map() // control -> the change to send

  // send(change): send it to the server and return its number; changed(): called after a request
  constructor(send, changed) {
    Object.assign(this, { send, changed })
  }

  // Whether changes are queued or not answered yet.
  get busy() {
    return this.waiting.size > 0 || Boolean(this.sent && !this.sent.answered)
  }

  request(change) {
    this.waiting.delete(change.what)
    this.waiting.set(change.what, change)
    this.flush()
    this.changed()
  }

  // Handle a message: `answers` is the number of the last action that the server handled.
  receive(answers) {
    const { sent } = this
    if (!sent || (sent.number > answers && !sent.overdue)) return
    sent.answered = true
    this.flush()
  }

  // The last message's pictures are displayed, or could not be fetched.
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
    const sent = { number: this.send(change) }
    this.sent = sent
    this.timer = setTimeout(() => {
      sent.overdue = true
      this.flush()
    }, PATIENCE)
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
