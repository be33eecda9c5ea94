// The default export of a component whose root element matches `selector`. Streamlit calls it for
// every message and, when the element leaves the page, calls the function that it returned.
// `create(root, signal)` runs once per root element and returns the function that takes each
// message; `signal` aborts when the element leaves.
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
