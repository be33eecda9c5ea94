// Addresses from Python are relative to the server's root, which may be below another path.
const root = import.meta.url.split("kmseg/assets/")[0]

export const address = url => url.startsWith("/") ? new URL(url.slice(1), root).href : url
