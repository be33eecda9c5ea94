import { make } from "../shared/helpers.js"

function button(text, label, act) {
  const element = make("button", text)
  element.type = "button"
  element.setAttribute("aria-label", label)
  element.addEventListener("click", act)
  return element
}

// Lists refused files with their messages. The list is a live region, so it is only replaced when
// the messages change.
export function showRefused(list, refusals, { dismiss, again }) {
  const said = refusals.map(refusal => `${refusal.name}: ${refusal.sentence}`)
  const state = JSON.stringify(said)
  if (list.dataset.said === state) return
  list.dataset.said = state
  const rows = refusals.map((refusal, i) => {
    const row = make("li")
    row.append(make("span", said[i]))
    if (refusal.again) {
      row.append(button("Try again", `Try again: ${refusal.name}`, () => again(refusal)))
    }
    row.append(button("×", `Dismiss: ${refusal.name}`, () => dismiss(refusal)))
    return row
  })
  list.replaceChildren(...rows)
}
