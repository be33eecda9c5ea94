// Actions on their way to the server. While a run is busy, Streamlit keeps only the newest event of
// a component, so each event contains all actions that the server has not handled yet. Their
// numbers increase, and the server handles each number once.
export class Outbox {
  unanswered = []
  last = 0

  // Handle a message: `answers` is the number of the last action that the server handled. A
  // restarted server begins a new visit and knows nothing of actions that it has not answered.
  receive(answers, visit, send) {
    const restarted = this.visit !== undefined && this.visit !== visit
    this.last = Math.max(this.last, answers)
    this.unanswered = this.unanswered.filter(({ number }) => number > answers)
    Object.assign(this, { visit, send })
    if (restarted && this.unanswered.length > 0) this.flush()
  }

  // Send an action; returns its number.
  add(action) {
    this.last = Math.max(this.last + 1, Date.now()) // higher than a former viewer's numbers
    this.unanswered.push({ ...action, number: this.last })
    this.flush()
    return this.last
  }

  flush() {
    this.send("actions", this.unanswered)
  }
}
