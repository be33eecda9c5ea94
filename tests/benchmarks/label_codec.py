"""How small labels get, and how long that takes: ours, PNG and lossless WebP.

    python tests/benchmarks/label_codec.py PHOTO...

A preview of each photo is segmented in CIELAB. Times are the best of five, in milliseconds;
decoding is measured in Chromium.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, header, machine, parser, row, timed
from pages import chromium
from PIL import Image

import kmseg
from kmseg.output import encode
from kmseg.output.labelcodec import encode_labels

DECODE = """async ([source, data]) => {
  const { decodeLabels } = await import(`data:text/javascript,${encodeURIComponent(source)}`)
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0))
  const times = []
  let found
  for (let i = 0; i < 5; i++) {
    const begin = performance.now()
    found = decodeLabels(bytes)
    times.push(performance.now() - begin)
  }
  return [times[0], Math.min(...times), found.labels.reduce((sum, label) => sum + label, 0)]
}"""


def webp(labels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(labels.astype(np.uint8)).convert("RGB").save(
        file, "WEBP", lossless=True, quality=50, method=2
    )
    return file.getvalue()


def best(*call: Any) -> tuple[float, bytes]:
    tries = [timed(*call) for _ in range(5)]
    return 1000 * min(seconds for seconds, _ in tries), tries[0][1]


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("photos", type=Path, nargs="+")
    options = arguments.parse_args()
    print(machine("pillow"))
    source = (ROOT / "kmseg/ui/components/viewer/codec.js").read_text(encoding="utf-8")
    header(
        "photo",
        "K",
        "KB",
        "encode",
        "decode first",
        "decode",
        "PNG KB",
        "encode",
        "WebP KB",
        "encode",
    )
    with chromium() as browser:
        page = browser.new_page()
        for path in options.photos:
            image = kmseg.read_image(path)
            rows, columns = image.grid(960)
            for k in (4, 6, 32):
                seg = kmseg.segment(image, kmseg.Settings(color_space="cielab", n_clusters=k))
                labels = seg.labels_at(rows, columns)
                ours, data = best(encode_labels, labels, k)
                first, decode, total = page.evaluate(
                    DECODE, [source, base64.b64encode(data).decode()]
                )
                assert total == labels.sum()
                png, png_data = best(encode.indexed_png, labels, seg.palette)
                webp_ms, webp_data = best(webp, labels)
                row(
                    path.stem,
                    k,
                    f"{len(data) / 1000:.1f}",
                    f"{ours:.0f}",
                    f"{first:.0f}",
                    f"{decode:.0f}",
                    f"{len(png_data) / 1000:.1f}",
                    f"{png:.0f}",
                    f"{len(webp_data) / 1000:.1f}",
                    f"{webp_ms:.0f}",
                )


if __name__ == "__main__":
    main()
