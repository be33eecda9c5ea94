import { address } from "../shared/address.js"

const BUSY = 1000 // milliseconds until a busy server is asked again

// The server has nothing at an address any more; its next message names another.
export class Gone extends Error {}

export async function fetchFrom(url, signal) {
  for (;;) {
    const response = await fetch(address(url), { signal })
    if (response.ok) return response
    if (response.status === 404) throw new Gone(url)
    if (response.status !== 503) throw new Error(`${url}: ${response.status}`)
    await new Promise(resolve => setTimeout(resolve, BUSY))
  }
}
