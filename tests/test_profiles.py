from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

import icc
from kmseg.picture.profiles import MAX_PROFILE_BYTES, Conversion, conversion

SPACES = {
    "Adobe RGB": (icc.ADOBE_RGB, 563 / 256),
    "Display P3": (icc.DISPLAY_P3, "srgb"),
    "sRGB primaries, gamma 1.8": (icc.SRGB, 461 / 256),
}
DAMAGED = "The colour profile is damaged and was ignored."
UNFIT = "The colour profile does not fit the picture and was ignored."


def colors(n: int = 3) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (60, 80, n), dtype=np.uint8)


def converted(how: Conversion, picture: Image.Image) -> npt.NDArray[np.uint8]:
    assert how.apply is not None
    return np.asarray(how.apply(picture))


@pytest.mark.parametrize("name", SPACES)
def test_colours_agree_with_a_conversion_in_floats(name: str) -> None:
    primaries, curve = SPACES[name]
    how = conversion(icc.rgb(primaries, curve, name), "RGB")
    assert how.note == f"{name} converted to sRGB"
    pixels = colors()
    expected = icc.to_srgb(pixels, primaries, curve)
    differences = icc.delta_e(converted(how, Image.fromarray(pixels)).astype(float), expected)
    assert differences.mean() < 0.5
    assert icc.delta_e(pixels.astype(float), expected).mean() > 3, "nothing to convert"


def test_gray_profile() -> None:
    gamma = 461 / 256
    levels = np.arange(256, dtype=np.uint8)[None]
    how = conversion(icc.gray(gamma), "L")
    pixels = converted(how, Image.fromarray(levels))
    expected = icc.to_srgb(np.repeat(levels[0][:, None], 3, 1), icc.SRGB, gamma)
    assert np.abs(pixels[0] - expected).max() <= 1.5
    assert icc.delta_e(pixels[0].astype(float), expected).mean() < 0.5
    assert pixels[0, 128, 0] > 140


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_kept(mode: str) -> None:
    picture = Image.fromarray(colors(4), "RGBA").convert(mode)
    profile = icc.gray(1.8) if mode == "LA" else icc.rgb(*SPACES["Adobe RGB"])
    pixels = converted(conversion(profile, mode), picture)
    assert pixels.shape == (60, 80, 4)
    assert (pixels[..., 3] == np.asarray(picture)[..., -1]).all()
    assert (pixels[..., 0] != np.asarray(picture)[..., 0]).any()


@pytest.mark.parametrize(
    "profile",
    [
        icc.rgb(icc.SRGB, "srgb", "Camera space 9000"),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ],
)
def test_a_profile_that_is_srgb_by_content_changes_nothing_whatever_its_name(
    profile: bytes,
) -> None:
    assert conversion(profile, "RGB") == Conversion()
    assert conversion(profile, "RGBA") == Conversion()


def test_a_profile_that_is_only_called_srgb_is_converted() -> None:
    profile = icc.rgb(icc.ADOBE_RGB, 2.2, "sRGB IEC61966-2.1")
    assert conversion(profile, "RGB").apply is not None


def test_a_gray_profile_with_the_tone_curve_of_srgb_changes_nothing() -> None:
    assert conversion(icc.gray("srgb"), "L") == Conversion()


def test_lab_pictures_with_a_lab_profile() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB", 5000)).tobytes()
    pixels = converted(conversion(profile, "LAB"), Image.new("LAB", (2, 2), (128, 128, 128)))
    assert np.abs(pixels.astype(int) - 119).max() <= 2  # L* = 50


def cmyk_profile() -> bytes:
    """A CMYK device with a table of 2 points a side, in CIELAB: paper, and inks that darken it."""
    import struct

    inks = np.indices((2, 2, 2, 2)).reshape(4, -1).T
    lightness = 100 * np.prod(1 - inks * [0.45, 0.5, 0.1, 0.9], axis=1)
    a = inks @ [-35.0, 70.0, -5.0, 0.0] * (1 - inks[:, 3])
    b = inks @ [-50.0, -5.0, 90.0, 0.0] * (1 - inks[:, 3])
    lab = np.stack([lightness * 65280 / 100, (a + 128) * 256, (b + 128) * 256], axis=1)
    table = np.rint(np.clip(lab, 0, 65535)).astype(int).ravel()
    ramp = struct.pack(">2H", 0, 65535)
    lut = (
        b"mft2"
        + bytes(4)
        + struct.pack(">4B9i2H", 4, 3, 2, 0, *([65536, 0, 0, 0] * 2 + [65536]), 2, 2)
    )
    lut += ramp * 4 + struct.pack(f">{table.size}H", *table) + ramp * 3
    profile = icc._profile(
        b"CMYK",
        {
            b"desc": icc._tag_text("Four inks"),
            b"cprt": b"text" + bytes(5),
            b"wtpt": icc._tag_xyz(icc.D50),
            b"A2B0": lut,
        },
    )
    return profile[:12] + b"prtrCMYKLab " + profile[24:]


def test_cmyk_with_its_profile_has_black_that_is_black_and_paper_that_is_white() -> None:
    how = conversion(cmyk_profile(), "CMYK")
    assert how.note == "Four inks converted to sRGB"
    inks = np.array([[[0, 0, 0, 0], [255, 255, 255, 255], [0, 0, 255, 0]]], np.uint8)
    paper, black, yellow = converted(how, Image.fromarray(inks, "CMYK"))[0].astype(int)
    assert paper.min() >= 253
    assert black.max() <= 12  # black-point compensation
    assert yellow[0] > 200 and yellow[2] < 100


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "CMYK", "LAB"])
@pytest.mark.parametrize(
    "profile",
    [b"junk", bytes(200), icc.rgb(icc.SRGB, 2.2)[:150], icc.gray(2.2)[:140]],
    ids=["junk", "zeros", "rgb cut short", "gray cut short"],
)
def test_a_damaged_profile_is_ignored_with_a_note(profile: bytes, mode: str) -> None:
    how = conversion(profile, mode)
    assert how.apply is None
    assert how.note in (DAMAGED, UNFIT)


@pytest.mark.parametrize(
    ("profile", "mode"),
    [
        (icc.gray(2.2), "RGB"),
        (icc.rgb(icc.ADOBE_RGB, 2.2), "CMYK"),
        (icc.rgb(icc.ADOBE_RGB, 2.2), "L"),
        (icc.rgb(icc.ADOBE_RGB, 2.2).replace(b"mntr", b"link", 1), "RGB"),
    ],
)
def test_a_profile_for_other_pictures_is_ignored_with_a_note(profile: bytes, mode: str) -> None:
    assert conversion(profile, mode) == Conversion(note=UNFIT)


def test_gray_tagged_as_srgb_needs_no_note() -> None:
    assert conversion(icc.rgb(icc.SRGB, "srgb"), "L") == Conversion()


def test_profiles_of_any_bytes_never_raise() -> None:
    generator = np.random.default_rng(0)
    originals = [icc.rgb(icc.ADOBE_RGB, 2.2), icc.gray(1.8), cmyk_profile()]
    for n in range(300):
        data = bytearray(originals[n % 3])
        for at in generator.integers(0, len(data), 3):
            data[at] = generator.integers(0, 256)
        for mode in ("RGB", "L", "CMYK"):
            how = conversion(bytes(data), mode)
            if how.apply is not None:
                converted(how, Image.new(mode, (3, 2)))


def test_a_profile_that_is_too_large_is_ignored_with_a_note() -> None:
    how = conversion(icc.rgb(icc.ADOBE_RGB, 2.2) + bytes(MAX_PROFILE_BYTES), "RGB")
    assert how == Conversion(note="The colour profile is larger than 4 MB and was ignored.")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Adobe RGB (1998)", "Adobe RGB (1998)"),
        ("two\nlines\tand \x1b[31m", "two lines and [31m"),
        ("x" * 500, "x" * 57 + "..."),
        ("", "Unnamed colour profile"),
        (" \r\n", "Unnamed colour profile"),
    ],
)
def test_a_profile_is_named_in_plain_text(name: str, shown: str) -> None:
    note = conversion(icc.rgb(icc.ADOBE_RGB, 2.2, name), "RGB").note
    assert note == f"{shown} converted to sRGB"


def test_no_profile_is_nothing_to_do() -> None:
    assert conversion(None, "RGB") == conversion(b"", "CMYK") == Conversion()
