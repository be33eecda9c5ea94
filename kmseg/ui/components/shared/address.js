// Addresses from Python start at the server's root. The app may be served below another path,
// and Streamlit's own script always comes from the right one.
function address(url) {
  if (!url.startsWith("/")) return url;
  const own = document.querySelector("script[src*='static/js/']");
  const root = own ? own.src.split("static/js/")[0] : document.baseURI;
  return new URL(url.slice(1), root).href;
}
