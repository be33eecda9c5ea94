// The columns of the list, and of its file. A column has
// title, help: its header and tooltip
// width: in rem
// of(i): its value for object i, by which rows are sorted
// text(i): the same for people; by default the value with `digits` decimals
// swatch(i): a color before the text

const hexOf = ({ rgb }, i) => `#${rgb.map(level => level[i].toString(16).padStart(2, "0")).join("")}`

export const whole = value => value.toLocaleString("en", { maximumFractionDigits: 0 })

export const several = (n, noun) => `${whole(n)} ${noun}${n === 1 ? "" : "s"}`

export const decimal = (value, digits) => value.toLocaleString("en", {
  minimumFractionDigits: digits, maximumFractionDigits: digits,
})

// Three significant digits, such as "0.0123" or "1,230".
export const short = value => Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 })

// Rounded as NumPy does: halves to even.
function rounded(value, decimals) {
  const scaled = value * 10 ** decimals
  const nearest = Math.round(scaled)
  const even = Math.abs(scaled % 1) === 0.5 && nearest % 2 ? nearest - 1 : nearest
  return even / 10 ** decimals
}

// The percentage of the clustered pixels.
const percentOf = (objects, i) => 100 * objects.area[i] / objects.pixels

const column = (title, width, of, digits, help, more) => (
  { title, width, of, help, text: i => decimal(of(i), digits), ...more }
)

export function columnsOf(objects, scale) {
  const { area, x, y, perimeter, eccentricity, box, cluster, clusters, touches } = objects
  return [
    column("No.", 4, i => i + 1, 0, "In the order of their first pixel, row by row"),
    column("Cluster", 4.5, i => cluster[i], 0, "The cluster of its pixels", {
      text: i => clusters[cluster[i]].name, swatch: i => clusters[cluster[i]].color,
    }),
    column("Area", 5, i => area[i], 0, "Pixels"),
    column("%", 4, i => area[i], 0, "Share of all clustered pixels", {
      text: i => decimal(percentOf(objects, i), 2),
    }),
    ...scale ? [column("mm²", 5, i => area[i], 0, "Area by the scale", {
      text: i => short(area[i] / scale ** 2),
    })] : [],
    column("x", 4.5, i => x[i], 1, "Centroid: mean column of its pixels, from 0 at the left"),
    column("y", 4.5, i => y[i], 1, "Centroid: mean row of its pixels, from 0 at the top"),
    column("Box", 8.5, i => (box.right[i] - box.left[i]) * (box.bottom[i] - box.top[i]), 0,
      "Left, top, and width × height of the smallest upright box around it", {
        text: i => `${box.left[i]}, ${box.top[i]}, ${box.right[i] - box.left[i]} × ${box.bottom[i] - box.top[i]}`,
      }),
    column("Perimeter", 5.5, i => perimeter[i], 1, "Length of the line through its border pixels"),
    ...scale ? [column("mm", 5, i => perimeter[i], 0, "Perimeter by the scale", {
      text: i => short(perimeter[i] / scale),
    })] : [],
    column("Eccentricity", 6.5, i => eccentricity[i], 3, "0 for a circle, 1 for a line"),
    column("Colour", 6, i => objects.luminance(i), 0, "Mean colour of its pixels; sorted by lightness", {
      text: i => hexOf(objects, i), swatch: i => hexOf(objects, i),
    }),
    column("Border", 4.5, i => touches[i], 0, "Whether it touches the edge of the picture", {
      text: i => touches[i] ? "touches" : "",
    }),
  ]
}

// Objects as CSV, with the columns of the file of all objects.
export function csvOf(objects, rows, scale) {
  const { area, x, y, perimeter, eccentricity, box, color, cluster, clusters, touches } = objects
  const columns = {
    label: i => i + 1,
    cluster: i => clusters[cluster[i]].name,
    area: i => area[i],
    percent: i => rounded(percentOf(objects, i), 6),
    "centroid-0": i => y[i],
    "centroid-1": i => x[i],
    "bbox-0": i => box.top[i],
    "bbox-1": i => box.left[i],
    "bbox-2": i => box.bottom[i],
    "bbox-3": i => box.right[i],
    perimeter: i => perimeter[i],
    eccentricity: i => eccentricity[i],
    "mean_color-0": i => color[0][i],
    "mean_color-1": i => color[1][i],
    "mean_color-2": i => color[2][i],
    hex: i => hexOf(objects, i),
    touches_border: i => touches[i],
    ...scale ? {
      area_mm2: i => area[i] / scale ** 2,
      perimeter_mm: i => perimeter[i] / scale,
      "centroid_mm-0": i => y[i] / scale,
      "centroid_mm-1": i => x[i] / scale,
    } : {},
  }
  const lines = Array.from(rows, i => Object.values(columns).map(of => of(i)).join(","))
  return `${[Object.keys(columns).join(","), ...lines].join("\r\n")}\r\n`
}
