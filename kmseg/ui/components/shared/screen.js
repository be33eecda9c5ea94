// The segmentation on the page: the viewer sets its canvas, and the original below it, of which
// boundaries leave parts in sight.
export const screen = { canvas: undefined, original: undefined }

// It as a PNG, or undefined while there is none.
export async function screenFile() {
  const { canvas, original } = screen
  if (!canvas?.isConnected || !canvas.width) return undefined
  const copy = document.createElement("canvas")
  Object.assign(copy, { width: canvas.width, height: canvas.height })
  const context = copy.getContext("2d")
  if (original?.complete && original.naturalWidth) {
    context.drawImage(original, 0, 0, copy.width, copy.height)
  }
  context.drawImage(canvas, 0, 0)
  const blob = await new Promise(resolve => copy.toBlob(resolve, "image/png"))
  return new File([blob], "segmentation.png", { type: "image/png" })
}
