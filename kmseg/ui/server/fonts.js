// Streamlit requests its icon font immediately, and it is half as large as all scripts together.
// Remove the font's CSS rule until the first picture is painted, or until a timeout. On a slow
// connection, also remove the text font, which the system's font replaces.
(() => {
  const ICONS = "Material Symbols Rounded"
  const PATIENCE = 20000 // timeout in milliseconds after everything else has loaded
  const { classList } = document.documentElement
  const slow = !["4g", undefined].includes(navigator.connection?.effectiveType)
  const later = slow ? [ICONS, "Source Sans"] : [ICONS]
  const taken = []
  for (const sheet of document.styleSheets) {
    for (let i = sheet.cssRules.length - 1; i >= 0; i--) {
      const rule = sheet.cssRules[i]
      if (!(rule instanceof CSSFontFaceRule)) continue
      if (!later.some(name => rule.cssText.includes(name))) continue
      taken.push([sheet, rule.cssText])
      sheet.deleteRule(i)
    }
  }
  if (!slow) for (const link of document.querySelectorAll("[data-rel]")) link.rel = link.dataset.rel
  if (!taken.length) return
  classList.add("kmseg-no-icons")
  const load = () => {
    for (const [sheet, rule] of taken.splice(0)) sheet.insertRule(rule, sheet.cssRules.length)
    document.fonts.load(`1em "${ICONS}"`).finally(() => classList.remove("kmseg-no-icons"))
  }
  addEventListener("kmseg-painted", load, { once: true })
  addEventListener("load", () => setTimeout(load, PATIENCE))
})()
