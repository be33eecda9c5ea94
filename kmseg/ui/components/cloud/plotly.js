import { address } from "../shared/server_url.js"

let loading

// Load the Plotly library once; after a failure, the next call tries again.
export function loadPlotly(url) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = address(url)
    script.addEventListener("load", () => resolve(window.Plotly))
    script.addEventListener("error", () => {
      loading = undefined
      script.remove()
      reject(new Error(`${url} did not load`))
    })
    document.head.append(script)
  })
  return loading
}

export function hasWebGL() {
  const gl = document.createElement("canvas").getContext("webgl")
  gl?.getExtension("WEBGL_lose_context")?.loseContext()
  return Boolean(gl)
}
