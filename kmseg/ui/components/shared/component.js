// The default export of a component whose root element matches `selector`. Streamlit calls it for
// every message, and calls the returned function when the element is removed from the page.
// `create(root, signal)` is called once per root element and returns the function that handles each
// message; `signal` aborts when the element is removed.
export function component(selector, create) {
  const views = new WeakMap() // root element -> { update, controller }
  return ({ parentElement, ...message }) => {
    const root = parentElement.querySelector(selector)
    if (!views.has(root)) {
      const controller = new AbortController()
      views.set(root, { update: create(root, controller.signal), controller })
    }
    const { update, controller } = views.get(root)
    update(message)
    return () => {
      controller.abort()
      views.delete(root)
    }
  }
}
