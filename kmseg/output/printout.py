"""The objects of a segmentation as an HTML page to print: pictures, tables, histogram, settings.

The file is complete in itself: it has no script, and forbids itself all requests by its
Content-Security-Policy. Names and notes may come from strangers: they are escaped. Numbers are
rounded as in the list of objects on the page.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from kmseg.output import captions, names
from kmseg.output.encode import on_white, webp
from kmseg.output.objects import inside, measured
from kmseg.output.render import Pixels, alpha_of, outlined, picture_of
from kmseg.picture.image import Image
from kmseg.picture.reading import Reading
from kmseg.settings import FIELDS, SAMPLE_PREFIX, to_hex
from kmseg.settings.scale import format_scale
from kmseg.version import __version__

if TYPE_CHECKING:
    from kmseg.regions import Regions
    from kmseg.segmentation import Segmentation

MAX_LISTED: Final = 40
"""The largest number of objects in the table."""

# The longest side of the pictures in pixels, and the space for each on paper, in mm.
_SIDE: Final = 900
_ACROSS, _DOWN = 91.0, 50.0
# A picture is lossless if that takes at most this many bytes.
_MAX_EXACT: Final = 250_000
_NUMBER_HEIGHT: Final = 2.6  # of the numbers in the picture, in mm
_ROWS_PER_TABLE: Final = 8  # of clusters
_N_BINS: Final = 24


def printout(seg: Segmentation, picture: str, source: str, pixels_per_mm: float) -> bytes:
    """The HTML file of a segmentation's objects.

    Parameters
    ----------
    seg : Segmentation
        With its ``image``.
    picture : str
        File name of the picture; its extension is left out.
    source : str
        The picture's name in the command that repeats the segmentation.
    pixels_per_mm : float
        The scale of the clustered picture; 0 if it is not known.

    Raises
    ------
    RegionsError
        There are too many objects: see :func:`kmseg.output.objects.measured`.
    """
    seg = captions.without_profiles(seg)
    regions = measured(seg)
    listed = np.argsort(-regions.area, kind="stable")[:MAX_LISTED]
    title = names.title(picture) or "picture"
    parts = {
        "name": html.escape(title),
        "summary": html.escape(_summary(seg, regions, pixels_per_mm)),
        "listed": html.escape(_listed(len(listed), regions.n_regions)),
        "clusters": _clusters(seg, regions),
        "histogram": _histogram(regions.area),
        "objects": _objects(seg, regions, listed, pixels_per_mm),
        "rest": _rest(seg, regions, listed),
        "settings": html.escape(captions.full(seg)),
        "origin": _origin(seg, source, pixels_per_mm),
        "version": __version__,
    }
    parts |= _pictures(picture_of(seg), regions, listed)
    return Template(_template()).substitute(parts).encode(errors="replace")


def link_query(seg: Segmentation, source: str, pixels_per_mm: float) -> str:
    """The query of a link that opens the segmentation on the page, such as "?v=1&picture=china".

    Defaults are left out. A picture other than a sample is any upload. Clusters that were carried
    over are not in it.
    """
    settings, reading = seg.settings, picture_of(seg).reading
    defaults = {name: field.kind.to_link(field.default) for name, field in FIELDS.items()}
    defaults |= Reading().to_query()
    is_sample = source.startswith(SAMPLE_PREFIX)
    merged = [own for own in (seg.untidied or seg).members if len(own) > 1]
    query = settings.to_query() | reading.to_query()
    query |= {
        "picture": source.removeprefix(SAMPLE_PREFIX) if is_sample else "upload",
        "merge": "_".join(".".join(str(member + 1) for member in own) for own in merged),
        "scale": format_scale(pixels_per_mm),
        "view": "regions",
    }
    return "?" + urlencode({n: text for n, text in query.items() if text != defaults.get(n, "")})


def _summary(seg: Segmentation, regions: Regions, pixels_per_mm: float) -> str:
    image, n_pixels = picture_of(seg), int(seg.pixel_counts.sum())
    parts = [
        f"{_several(regions.n_regions, 'object')} in {_several(seg.n_clusters, 'cluster')}",
        f"{image.width:,} × {image.height:,} pixels",
    ]
    if n_pixels < image.width * image.height:
        parts[1] += f", {n_pixels:,} of them clustered"
    if pixels_per_mm:
        parts.append(f"{format_scale(pixels_per_mm)} pixels per mm")
    return " · ".join(parts)


def _listed(n_listed: int, n_regions: int) -> str:
    if n_listed < n_regions:
        return f"The {n_listed} largest of {n_regions:,} objects"
    return "All objects"


def _pictures(image: Image, regions: Regions, listed: NDArray[np.intp]) -> dict[str, str]:
    """The original, reduced, and the same with the listed objects."""
    pixels, rows, columns = _resampled(image)
    height, width = pixels.shape[:2]
    shown = np.zeros(regions.n_regions + 1, np.int32)
    shown[regions.label[listed]] = regions.label[listed]
    overlay = outlined(Image(pixels), shown[regions.label_image[np.ix_(rows, columns)]])
    across = min(_ACROSS, _DOWN * width / height)
    size = _NUMBER_HEIGHT / across * width
    labels = []
    for i in listed.tolist():
        text, (row, column) = str(regions.label[i]), inside(regions, i)
        x = _within((column + 0.5) * width / image.width, 0.35 * size * len(text), width)
        y = _within((row + 0.5) * height / image.height, size / 2, height)
        labels.append(f'<text x="{x:.1f}" y="{y:.1f}">{text}</text>')
    return {
        "original": _data_url(pixels),
        "overlay": _data_url(overlay),
        "width": str(width),
        "height": str(height),
        "across": f"{across:.1f}",
        "font_size": f"{size:.1f}",
        "stroke": f"{size / 5:.1f}",
        "labels": "\n".join(labels),
    }


def _within(position: float, margin: float, length: float) -> float:
    """A position that keeps a distance from both ends, or the middle."""
    return min(max(position, margin), length - margin) if 2 * margin < length else length / 2


def _resampled(image: Image) -> tuple[Pixels, NDArray[np.intp], NDArray[np.intp]]:
    """The picture with a longest side of about ``_SIDE`` on white, and its rows and columns."""
    longest = max(image.width, image.height)
    if longest > _SIDE:
        pixels, alpha = image.averaged(max(1, round(image.width * _SIDE / longest)))
    else:  # larger pixels, so that lines are thin in comparison
        pixels, alpha = image.pixels, alpha_of(image)
    pixels = on_white(pixels, alpha)
    factor = max(1, _SIDE // longest)
    pixels = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    rows, columns = (
        ((np.arange(n) + 0.5) * of / n).astype(np.intp)
        for n, of in zip(pixels.shape, (image.height, image.width), strict=False)
    )
    return pixels, rows, columns


def _data_url(pixels: Pixels) -> str:
    content = webp(pixels, exact=True)
    if len(content) > _MAX_EXACT:
        content = webp(pixels)
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"


def _clusters(seg: Segmentation, regions: Regions) -> str:
    counts = np.bincount(regions.cluster, minlength=seg.n_clusters).tolist()
    rows = [
        [name, _swatch(to_hex(color)), f"{pixels:,}", f"{_decimal(100 * share, 2)}", f"{count:,}"]
        for name, color, pixels, share, count in zip(
            seg.names,
            seg.palette.tolist(),
            seg.pixel_counts.tolist(),
            seg.shares.tolist(),
            counts,
            strict=True,
        )
    ]
    titles = ("No.", "Colour", "Pixels", "%", "Objects")
    starts = range(0, len(rows), _ROWS_PER_TABLE)
    return "\n".join(_table(titles, rows[start : start + _ROWS_PER_TABLE]) for start in starts)


def _objects(
    seg: Segmentation, regions: Regions, listed: NDArray[np.intp], pixels_per_mm: float
) -> str:
    """The table of the listed objects, with the columns of the page."""
    total = int(seg.pixel_counts.sum())
    clusters = [_swatch(to_hex(color), "") for color in seg.palette.tolist()]
    titles = ["No.", "Cluster", "Area", "%", "x", "y", "Box", "Perimeter", "Eccentricity"]
    titles += ["Colour", "Border"]
    if pixels_per_mm:
        titles[8:8], titles[4:4] = ["mm"], ["mm²"]
    rows = []
    for i in listed.tolist():
        area, perimeter = int(regions.area[i]), round(float(regions.perimeter[i]), 4)
        top, left, bottom, right = regions.bbox[i].tolist()
        cluster = int(regions.cluster[i])
        cells = [
            str(regions.label[i]),
            clusters[cluster] + seg.names[cluster],
            f"{area:,}",
            _decimal(100 * area / total, 2),
            *(_decimal(regions.centroid[i, axis], 1) for axis in (1, 0)),
            f"{left}, {top}, {right - left} × {bottom - top}",
            _decimal(perimeter, 1),
            _decimal(regions.eccentricity[i], 3),
            _swatch(to_hex(np.rint(regions.mean_color[i]).astype(int).tolist())),
            "touches" if regions.touches_border[i] else "",
        ]
        if pixels_per_mm:
            cells[8:8] = [_short(perimeter / pixels_per_mm)]
            cells[4:4] = [_short(area / pixels_per_mm**2)]
        rows.append(cells)
    return _table(titles, rows)


def _rest(seg: Segmentation, regions: Regions, listed: NDArray[np.intp]) -> str:
    """A line about the objects that are not listed."""
    if len(listed) == regions.n_regions:
        return ""
    others = np.delete(regions.area, listed)
    least, most, total = int(others.min()), int(others.max()), int(others.sum())
    sizes = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    share = _decimal(100 * total / int(seg.pixel_counts.sum()), 2)
    return (
        f"<p>And {_several(len(others), 'other object')} of {sizes} pixels, "
        f"with {total:,} pixels in all ({share}%).</p>"
    )


def _histogram(areas: NDArray[np.int64]) -> str:
    """The numbers of objects by area, on a logarithmic axis, as an SVG drawing."""
    least, most = int(areas.min()), int(areas.max())
    edges = np.geomspace(least, most + 1, _N_BINS + 1)
    counts, _ = np.histogram(areas, edges)
    tallest = int(counts.max())
    bars = [
        f'<rect x="{3 * i + 0.15:.2f}" y="{12 * (1 - n / tallest):.2f}" width="2.7" '
        f'height="{12 * n / tallest:.2f}"/>'
        for i, n in enumerate(counts.tolist())
        if n
    ]
    middle = round((least * (most + 1)) ** 0.5)
    ticks = [(0, "start", least), (36, "middle", middle), (72, "end", most)]
    axis = [
        f'<text x="{x}" y="15.5" text-anchor="{anchor}">{value:,}</text>'
        for x, anchor, value in ticks[: None if most > least + 1 else 1]
    ]
    said = f"{_several(len(areas), 'object')} of {least:,} to {most:,} pixels"
    return "\n".join(
        [
            f'<figure><svg viewBox="0 0 72 16.5" role="img" '
            f'aria-label="Histogram of areas: {said}" font-size="2.8">',
            f'<g fill="#4a5a78">{"".join(bars)}</g>',
            '<path d="M0 12.1H72" stroke="#111" stroke-width="0.2"/>',
            *axis,
            "</svg>",
            f"<figcaption>Objects by area in pixels; highest bar: {tallest:,}</figcaption>",
            "</figure>",
        ]
    )


def _origin(seg: Segmentation, source: str, pixels_per_mm: float) -> str:
    """The command and the link that repeat the segmentation."""
    if seg.carried:
        return "<p>The clusters were carried over from another picture or a palette.</p>"
    command = seg.settings.to_command_line(source, "posix", picture_of(seg).reading)
    command = f"{command.removesuffix(' --json')} --save objects-report"
    if pixels_per_mm:
        command += f" --pixels-per-mm {format_scale(pixels_per_mm)}"
    is_merged = any(len(own) > 1 for own in (seg.untidied or seg).members)
    but = ", but for merged clusters" if is_merged else ""
    link = link_query(seg, source, pixels_per_mm)
    return (
        f"<p>The command that repeats it{but}: <code>{html.escape(command)}</code></p>\n"
        f"<p>To open it on the page, add to its address: <code>{html.escape(link)}</code></p>"
    )


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells in HTML."""
    classes = [' class="left"' * (title in ("Cluster", "Colour", "Border")) for title in titles]

    def row(tag: str, cells: Sequence[str]) -> str:
        filled = zip(classes, cells, strict=True)
        return f"<tr>{''.join(f'<{tag}{own}>{cell}</{tag}>' for own, cell in filled)}</tr>"

    body = "\n".join(row("td", cells) for cells in rows)
    return f"<table>\n<thead>{row('th', titles)}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _swatch(color: str, text: str | None = None) -> str:
    """A square of a colour, which is printed where backgrounds are not, and the colour's name."""
    square = f'<rect width="10" height="10" fill="{color}" stroke="#888"/>'
    said = color if text is None else text
    return f'<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">{square}</svg>{said}'


def _several(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _decimal(value: float, digits: int) -> str:
    """A number with so many decimals; halves are rounded up, after the four decimals of the CSV."""
    exact = Decimal(repr(round(float(value), 4)))
    return f"{exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,}"


def _short(value: float) -> str:
    """A number with three significant digits, such as "0.0123" or "1,230"."""
    rounded = Context(prec=3, rounding=ROUND_HALF_UP).create_decimal_from_float(value)
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=1)
def _template() -> str:
    return files("kmseg.output").joinpath("printout.html").read_text(encoding="utf-8")
