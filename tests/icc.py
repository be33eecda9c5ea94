"""ICC profiles made from scratch (ICC.1:2001-04, version 2.1), and an independent conversion."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

D50 = np.array([0.9642, 1.0, 0.8249])
# x and y of red, green, blue and white.
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.3290))
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.3127, 0.3290))
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def colorants(primaries: tuple[tuple[float, float], ...]) -> Floats:
    """The matrix from linear RGB to XYZ, adapted to D50 (Bradford)."""
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    matrix = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    cones = (_BRADFORD @ D50) / (_BRADFORD @ xyz[:, 3])
    return np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ matrix


def srgb_curve(levels: Floats) -> Floats:
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def _tag_text(text: str) -> bytes:
    data = text.encode("ascii", "replace") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(data)) + data + bytes(12 + 67)


def _tag_xyz(xyz: Floats) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *np.rint(xyz * 65536).astype(int))


def _tag_curve(curve: float | str) -> bytes:
    if curve == "srgb":
        table = np.rint(srgb_curve(np.linspace(0, 1, 1024)) * 65535).astype(int)
        return b"curv" + bytes(4) + struct.pack(">I1024H", 1024, *table)
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(float(curve) * 256))


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, data = b"", b""
    start = 132 + 12 * len(tags)
    for name, tag in tags.items():
        tag += bytes(-len(tag) % 4)
        table += name + struct.pack(">II", start + len(data), len(tag))
        data += tag
    header = struct.pack(
        ">I4sI4s4s4s6H4s4sIIIQI3i",
        *(start + len(data), b"", 0x02100000, b"mntr", space, b"XYZ "),
        *(2026, 1, 1, 0, 0, 0, b"acsp", b"", 0, 0, 0, 0, 0),
        *np.rint(D50 * 65536).astype(int),
    )
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def rgb(
    primaries: tuple[tuple[float, float], ...], curve: float | str, name: str = "made here"
) -> bytes:
    """A profile of primaries and tone curves; `curve` is a gamma or ``"srgb"``."""
    matrix, tone = colorants(primaries), _tag_curve(curve)
    return _profile(
        b"RGB ",
        {b"desc": _tag_text(name), b"cprt": b"text" + bytes(5), b"wtpt": _tag_xyz(D50)}
        | {name: _tag_xyz(matrix[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
        | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), tone),
    )


def gray(curve: float | str, name: str = "made here") -> bytes:
    return _profile(
        b"GRAY",
        {
            b"desc": _tag_text(name),
            b"cprt": b"text" + bytes(5),
            b"wtpt": _tag_xyz(D50),
            b"kTRC": _tag_curve(curve),
        },
    )


def to_srgb(
    levels: npt.NDArray[np.uint8], primaries: tuple[tuple[float, float], ...], curve: float | str
) -> Floats:
    """sRGB of 0-255, unrounded, of (N, 3) levels in another space."""
    parts = levels / 255.0
    linear = srgb_curve(parts) if curve == "srgb" else parts ** float(curve)
    mixed = linear @ (np.linalg.inv(colorants(SRGB)) @ colorants(primaries)).T
    mixed = np.clip(mixed, 0, 1)
    low = mixed <= 0.0031308
    return 255 * np.where(low, 12.92 * mixed, 1.055 * mixed ** (1 / 2.4) - 0.055)


def delta_e(one: Floats, other: Floats) -> Floats:
    """CIE 1976 differences of sRGB colours of 0-255."""
    return np.linalg.norm(_lab(one) - _lab(other), axis=-1)


def _lab(rgb_levels: Floats) -> Floats:
    xyz = srgb_curve(rgb_levels / 255) @ colorants(SRGB).T / D50
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1
    )
