// Streamlit asks for its icon font, half as large as all scripts together, at once. Take the
// font's rule out of the styles until the first picture is painted, or there has been time for it.
(() => {
  const NAME = "Material Symbols Rounded"
  const PATIENCE = 20000 // milliseconds after everything else has loaded
  const { classList } = document.documentElement
  const taken = []
  for (const sheet of document.styleSheets) {
    for (let i = sheet.cssRules.length - 1; i >= 0; i--) {
      const rule = sheet.cssRules[i]
      if (!(rule instanceof CSSFontFaceRule) || !rule.cssText.includes(NAME)) continue
      taken.push([sheet, rule.cssText])
      sheet.deleteRule(i)
    }
  }
  if (!taken.length) return
  classList.add("kmseg-no-icons")
  const load = () => {
    for (const [sheet, rule] of taken.splice(0)) sheet.insertRule(rule, sheet.cssRules.length)
    document.fonts.load(`1em "${NAME}"`).finally(() => classList.remove("kmseg-no-icons"))
  }
  addEventListener("kmseg-painted", load, { once: true })
  addEventListener("load", () => setTimeout(load, PATIENCE))
})()
