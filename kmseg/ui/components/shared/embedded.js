const NAME = "embed"

// Whether the page is shown in a frame of another site, by a link with "embed=true". The parameter
// is Streamlit's, and stays in the address.
export const isEmbedded = () => (
  new URLSearchParams(location.search).get(NAME)?.toLowerCase() === "true"
)

// A link to this page that is embedded like the page itself.
export function alike(url) {
  if (isEmbedded()) url.searchParams.set(NAME, "true")
  return url
}

// The HTML code of a frame that shows a link.
export function frameCode(link) {
  const url = new URL(link)
  url.searchParams.set(NAME, "true")
  const source = url.href.replaceAll("&", "&amp;")
  return `<iframe src="${source}" width="800" height="600" style="border: 0" title="kmseg"></iframe>`
}
