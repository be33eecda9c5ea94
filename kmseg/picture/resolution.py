"""The scale of a picture that its file states: pixels per mm, for pictures that were measured.

Sources: TIFF 6.0 (tags 282, 283 and 296), PNG (chunk pHYs) and JFIF as Pillow reads them; ImageJ's
``unit`` in the description of a TIFF, whose resolution counts pixels per unit then; OME-XML's
``PhysicalSizeX``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

_MM_PER_INCH: Final = 25.4
_DESCRIPTION, _RESOLUTION_X, _RESOLUTION_Y = 270, 282, 283  # TIFF 6.0
_EXIF, _CAMERA_TAGS = 0x8769, {33434, 33437, 37386}  # exposure time, f-number, focal length
# Programs write these for a screen, whatever the picture shows.
_SCREENS: Final = (1, 72, 96, 144)
_MM: Final = {
    "nm": 1e-6,
    "um": 1e-3,
    "µm": 1e-3,
    "μm": 1e-3,
    "micron": 1e-3,
    "microns": 1e-3,
    "mm": 1.0,
    "cm": 10.0,
    "m": 1000.0,
    "inch": _MM_PER_INCH,
    "in": _MM_PER_INCH,
}
_IMAGEJ_UNIT: Final = re.compile(r"^unit=(.{1,12})$", re.MULTILINE)
_OME_PIXELS: Final = re.compile(r"<Pixels\b([^>]{1,4000})")
_OME_SIZE: Final = re.compile(r'\bPhysicalSize(X|Y|XUnit|YUnit)="([^"]{1,24})"')
_LONGEST: Final = 20_000  # characters of a description that are searched
_LEAST, _MOST = 1e-3, 999_999.0
_UNEQUAL: Final = 0.01  # by which the scales of both directions may differ


def pixels_per_mm(picture: PillowImage) -> float:
    """The scale that an opened picture states; 0 if it states none that means anything.

    A resolution means nothing if it is one of a screen (72, 96 or 144 dpi), if the picture was
    taken with a camera (EXIF has an exposure time, f-number or focal length), if its pixels are
    not square, or if it is outside 0.001 to 999,999 pixels per mm.
    """
    try:
        across, down = _stated(picture)
        sensible = _LEAST <= across <= _MOST and abs(across - down) <= _UNEQUAL * across
        return across if sensible else 0.0
    except Exception:  # broken metadata says nothing about the pixels
        return 0.0


def _stated(picture: PillowImage) -> tuple[float, float]:
    tags: Any = getattr(picture, "tag_v2", {})
    description = str(tags.get(_DESCRIPTION, ""))[:_LONGEST]
    found = _OME_PIXELS.search(description)
    sizes: dict[str, str] = dict(_OME_SIZE.findall(found[1])) if found else {}
    if sizes:
        across, down = (
            1 / (float(sizes[side]) * _MM[sizes.get(f"{side}Unit", "µm")]) for side in "XY"
        )
        return across, down
    if description.startswith("ImageJ="):
        return _per_mm_of_imagej(description, tags)
    exif = picture.getexif().get_ifd(_EXIF)
    dpi: Any = picture.info.get("dpi", (0, 0))
    across, down = float(dpi[0]), float(dpi[1])
    if _CAMERA_TAGS & exif.keys() or round(across) in _SCREENS:
        return 0.0, 0.0
    return across / _MM_PER_INCH, down / _MM_PER_INCH


def _per_mm_of_imagej(description: str, tags: Any) -> tuple[float, float]:
    found = _IMAGEJ_UNIT.search(description)
    unit = found[1].strip().replace("\\u00B5", "µ").lower() if found else ""
    across, down = float(tags[_RESOLUTION_X]), float(tags[_RESOLUTION_Y])
    if unit not in _MM:  # "pixel", or none
        return 0.0, 0.0
    return across / _MM[unit], down / _MM[unit]
