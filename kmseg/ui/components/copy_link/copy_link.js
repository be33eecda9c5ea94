export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button")
  const label = button.querySelector("span")
  const input = parentElement.querySelector("input")
  input.hidden = true
  button.onclick = async () => {
    const query = new URLSearchParams(data)
    for (const [name, value] of focus.values) if (value) query.set(name, value)
    const link = `${location.origin}${location.pathname}?${query}`
    input.value = link
    try {
      await navigator.clipboard.writeText(link)
      label.textContent = "Link copied"
    } catch {
      // Pages that are not served over https may not write to the clipboard: show the link.
      input.hidden = false
      input.select()
      label.textContent = "Copy the link below"
    }
    setTimeout(() => (label.textContent = "Copy link"), 4000)
  }
}
