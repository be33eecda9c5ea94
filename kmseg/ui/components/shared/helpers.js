export const clamp = (value, low, high) => Math.min(Math.max(value, low), high)

export function make(name, text = "", className = "") {
  const element = document.createElement(name)
  element.textContent = text
  element.className = className
  return element
}
