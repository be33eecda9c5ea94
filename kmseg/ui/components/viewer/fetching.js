import { address } from "../shared/server_url.js"
import { sleep } from "../shared/helpers.js"

const BUSY = 1000 // milliseconds before a retry if the server is busy

// The address has expired; the server's next message has a new one.
export class Gone extends Error {}

export async function fetchFrom(url, signal) {
  for (;;) {
    const response = await fetch(address(url), { signal })
    if (response.ok) return response
    if (response.status === 404) throw new Gone(url)
    if (response.status !== 503) throw new Error(`${url}: ${response.status}`)
    await sleep(BUSY)
  }
}
