// Request the visible region, with a margin of a quarter of its size on each side, at the
// resolution of the screen.
export function requestDetail({ viewport, layers, data, outbox }) {
  if (!viewport.needsDetail || layers.frame || data.offline) return
  const { density } = viewport
  const [width, height] = data.full
  const [x0, y0, x1, y1] = viewport.bounds.map((side, i) => side * (i % 2 ? height : width))
  if (layers.hasDetail([x0, y0, x1, y1], density)) return
  const [dx, dy] = [(x1 - x0) / 4, (y1 - y0) / 4]
  const box = [x0 - dx, y0 - dy, x1 + dx, y1 + dy].map(Math.round)
  outbox.add({ what: "region", box, columns: Math.ceil(density * (box[2] - box[0])) })
}
