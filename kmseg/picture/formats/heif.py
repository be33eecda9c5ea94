"""HEIF with HEVC pictures, as iPhones save them: ISO/IEC 23008-12.

Only pillow-heif decodes these. The requirements leave it out, because its wheels are under the GPL.
Versions before 1.7 bundle a libheif with exploitable vulnerabilities.
"""

from __future__ import annotations

import importlib.metadata

from kmseg.errors import ImageError
from kmseg.picture.formats.base import Format, Header, refusal
from kmseg.picture.formats.boxes import Items, boxes, check_cover, grid_size, identify, read_items
from kmseg.picture.limits import Limits

_OLDEST = (1, 7)


def parse(data: bytes, limits: Limits) -> Header:
    """Check a HEIF file's claims; see :func:`kmseg.picture.probe.probe`.

    Raises
    ------
    ImageError
        As every format's, or because nothing is installed that decodes HEIF.
    """
    if not can_decode():
        raise ImageError(
            "HEIC pictures, as iPhones save them, are not read here. On the iPhone choose Settings "
            "> Camera > Formats > Most Compatible for new photos, or share or export this one as "
            "JPEG."
        )
    for kind, start, end in boxes(data, 0, len(data), "HEIC"):
        if kind == b"meta":
            return _header(data, read_items(data, start, end, "HEIC"), limits)
    raise refusal("HEIC", "holds no picture")


def can_decode() -> bool:
    """Whether pillow-heif is installed in a version that is safe; nothing is imported."""
    try:
        version = importlib.metadata.version("pillow-heif")
        return tuple(int(part) for part in version.split(".")[:2]) >= _OLDEST
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False


def _header(data: bytes, items: Items, limits: Limits) -> Header:
    n_pixels = 0
    for item, kind in items.kinds.items():
        if kind in (b"grid", b"iovl"):
            grid_size(data, items, item, limits, "HEIC")
        elif kind in (b"hvc1", b"av01"):
            size = items.size(data, item)
            if size is None:
                raise refusal("HEIC", "does not state its size")
            limits.check_size(*size, bits_per_pixel=32)
            items.content(data, item, 1, "HEIC")
            n_pixels += size[0] * size[1]
    check_cover(n_pixels, limits, "HEIC")
    primary = items.shown_size(data, items.primary)
    if primary is None:
        raise refusal("HEIC", "holds no picture")
    limits.check_size(*primary, bits_per_pixel=32)
    return Header("HEIF", *primary, samples=4)


FORMAT = Format(
    name="HEIF",
    extensions=("heic", "heif"),
    recognises=lambda data: identify(data) == "HEIF",
    parse=parse,
    plugin="pillow_heif.HeifImagePlugin",  # importing it registers the format
    pillow_name="HEIF",
    pillow_turns_upright=True,
    only_apart=True,
    listed=False,
)
