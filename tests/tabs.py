"""Browser tabs that tests use one after the other.

A new tab in a new profile costs about 4.3 s of CPU time until the page is idle. In a tab that has
shown the page before it costs 2.2 s: scripts are compiled, and resources are in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from browser import MARK, PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# The browser says that its visitor wants to save data.
SAVE_DATA = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"
# Marks the document while Streamlit's server owes an answer, which a busy machine begins late: from
# the request to run the script (field 11 of a BackMsg) until a run has finished (field 6 of a
# ForwardMsg) and is on the page. The server may answer two requests with one run, so that the mark
# is removed some time after the last request that nothing follows.
MARK_REQUESTS = f"""(() => {{
  const PUBLISHED = 50, COALESCED = 1500 // milliseconds
  let owed = 0, timer
  const mark = () => document.documentElement?.toggleAttribute("{MARK}", owed > 0)
  function has(field, data) {{
    const bytes = new Uint8Array(data)
    let at = 0
    const varint = () => {{
      let value = 0
      for (let shift = 1; ; shift *= 128) {{
        value += (bytes[at] & 127) * shift
        if (bytes[at++] < 128) return value
      }}
    }}
    while (at < bytes.length) {{
      const tag = varint()
      if (tag >> 3 === field) return true
      const length = {{ 0: () => 0, 1: () => 8, 2: varint, 5: () => 4 }}
      if ((tag & 7) === 0) varint()
      const skipped = length[tag & 7]()
      at += skipped
    }}
    return false
  }}
  window.WebSocket = class extends WebSocket {{
    constructor(...values) {{
      super(...values)
      if (!`${{values[0]}}`.includes("/_stcore/stream")) return
      this.addEventListener("message", ({{ data }}) => {{
        if (!has(6, data)) return
        setTimeout(() => {{ owed = Math.max(0, owed - 1); mark() }}, PUBLISHED)
        clearTimeout(timer)
        timer = setTimeout(() => {{ owed = 0; mark() }}, COALESCED)
      }})
      this.addEventListener("close", () => {{ owed = 0; mark() }})
    }}
    send(data) {{
      if (data.byteLength && has(11, data)) {{
        clearTimeout(timer)
        owed++
        mark()
      }}
      super.send(data)
    }}
  }}
}})()"""
# The events that a test may listen to.
EVENTS = (
    "console",
    "dialog",
    "download",
    "filechooser",
    "pageerror",
    "request",
    "requestfailed",
    "response",
    "websocket",
)
STORED = "cookies,indexeddb,local_storage"


class Tab:
    """A tab in a profile of its own, which forgets everything between two tests."""

    def __init__(self, browser: Browser, server_url: str, options: dict[str, Any]) -> None:
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(1000 * PATIENCE)
        self.context.add_init_script(MARK_REQUESTS)
        self.page = self.context.new_page()
        self._devtools = self.context.new_cdp_session(self.page)
        self._server_url = server_url
        self._save_data: Any = None

    def prepare(self, width: int, height: int, color_scheme: Any, save_data: bool) -> Page:
        """Set what the page finds when it is opened."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=color_scheme, reduced_motion="null")
        self._save_data = self.page.add_init_script(SAVE_DATA) if save_data else None
        return self.page

    def clear(self) -> None:
        """Leave the page; remove what it has stored, and what a test has added to the tab."""
        for page in self.context.pages:
            if page is not self.page:
                page.close()
        if self._save_data:
            self._save_data.close()
        for event in EVENTS:
            self.page._impl_obj.remove_all_listeners(event)  # the public class has no such method
        self.page.unroute_all(behavior="ignoreErrors")
        self.page.goto(f"{self._server_url}/_stcore/health")
        self.page.mouse.up()
        self.page.mouse.move(0, 0)
        self.page.evaluate("sessionStorage.clear()")
        origin = {"origin": self._server_url, "storageTypes": STORED}
        self._devtools.send("Storage.clearDataForOrigin", origin)
        self._devtools.send("Page.resetNavigationHistory")


class Tabs:
    """All tabs of a pytest worker."""

    def __init__(self, browser: Browser, server_url: str) -> None:
        self.browser = browser
        self.server_url = server_url
        self._idle: dict[str, list[Tab]] = {}
        self._used: list[tuple[str, Tab]] = []

    def take(self, options: dict[str, Any], fresh: bool = False) -> Tab:
        """A tab of a profile with these options, used or new; a fresh one is not used again."""
        key = "" if fresh else str(sorted(options.items()))
        idle = self._idle.get(key)
        tab = idle.pop() if idle else Tab(self.browser, self.server_url, options)
        self._used.append((key, tab))
        return tab

    @property
    def pages(self) -> list[Page]:
        """All pages of the tabs in use."""
        return [page for _, tab in self._used for page in tab.context.pages]

    def give_back(self) -> None:
        """Clear all tabs in use."""
        while self._used:
            key, tab = self._used.pop()
            if key and not tab.page.is_closed():
                tab.clear()
                self._idle.setdefault(key, []).append(tab)
            else:
                tab.context.close()
