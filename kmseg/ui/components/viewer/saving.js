import { address } from "../shared/server_url.js"

let downloaded // id of the last file that was saved

// Save a requested file, once.
export function download(file) {
  if (!file || downloaded === file.id) return
  downloaded = file.id
  const link = document.createElement("a")
  link.href = address(file.url)
  link.download = file.name
  link.click()
}
