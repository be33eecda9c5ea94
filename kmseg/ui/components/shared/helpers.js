export const clamp = (value, low, high) => Math.min(Math.max(value, low), high)

export function make(name, text = "", className = "") {
  const element = document.createElement(name)
  element.textContent = text
  element.className = className
  return element
}

// A share in percent, such as "42.8%"; the same as `percent` in Python.
export const percent = (part, whole) => `${(100 * part / whole).toFixed(1)}%`

export const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))
