from __future__ import annotations

import contextlib
import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

import hostile
from kmseg.errors import ImageError
from kmseg.picture.formats import FORMATS
from kmseg.picture.formats.tiff import find_page
from kmseg.picture.frames import (
    MAX_FRAMES,
    check_frame,
    count_frames,
    describe,
    parse_description,
    seek_frame,
)
from kmseg.picture.limits import Limits

COLORS = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
SEVERAL = ("GIF", "PNG", "WebP", "TIFF")


def several(format_: str, n: int = 3, size: tuple[int, int] = (16, 12), **options: Any) -> bytes:
    frames = [Image.new("RGB", size, COLORS[k % 3]) for k in range(n)]
    options |= {"lossless": True} if format_ == "WebP" else {}
    return hostile.saved(
        frames[0], format_.upper(), save_all=True, append_images=frames[1:], **options
    )


@pytest.mark.parametrize("format_", SEVERAL)
def test_frames_are_counted_without_a_decoder(format_: str) -> None:
    assert count_frames(several(format_), format_) == 3
    assert count_frames(hostile.saved(hostile.picture(), format_.upper()), format_) == 1
    assert count_frames(several(format_) + b"behind the end", format_) == 3


def test_a_png_with_a_picture_besides_its_animation() -> None:
    data = several("PNG", default_image=True)
    assert count_frames(data, "PNG") == Image.open(io.BytesIO(data)).n_frames == 3


def test_frames_of_a_gif_behind_stray_bytes_are_counted_as_pillow_finds_them() -> None:
    data = several("GIF")
    second = data.index(b"!\xf9", data.index(b"!\xf9") + 1)
    data = data[:second] + b"\0" + data[second:]
    assert count_frames(data, "GIF") == Image.open(io.BytesIO(data)).n_frames == 3


@pytest.mark.parametrize("format_", ["JPEG", "BMP"])
def test_other_formats_have_one_picture(format_: str) -> None:
    assert count_frames(hostile.saved(hostile.picture(), format_), format_) == 1


@pytest.mark.parametrize("frame", [0, 1, 2])
@pytest.mark.parametrize("format_", SEVERAL)
def test_any_frame_can_be_read(format_: str, frame: int) -> None:
    data = several(format_)
    with Image.open(io.BytesIO(data)) as picture:
        seek_frame(picture, find_page(data, frame)[0] if format_ == "TIFF" else frame)
        pixels = np.asarray(picture.convert("RGB"))
    assert (pixels == COLORS[frame]).all()


def test_a_frame_that_changes_a_part_is_shown_whole() -> None:
    frames = [Image.new("RGB", (16, 12), COLORS[0])]
    for n in (1, 2):
        frames.append(frames[-1].copy())
        frames[-1].paste(COLORS[n], (4 * n, 0, 4 * n + 4, 12))
    for format_ in ("GIF", "PNG"):
        data = hostile.saved(frames[0], format_, save_all=True, append_images=frames[1:])
        with Image.open(io.BytesIO(data)) as picture:
            seek_frame(picture, 2)
            assert (np.asarray(picture.convert("RGB")) == np.asarray(frames[2])).all()


def linked_tiff(kinds: list[int]) -> bytes:
    """Directories in a row with their NewSubfileType."""
    parts = [struct.pack("<2sHI", b"II", 42, 8)]
    for n, kind in enumerate(kinds, 1):
        following = 8 + 18 * n if n < len(kinds) else 0
        parts.append(struct.pack("<HHHIII", 1, 254, 4, 1, kind, following))
    return b"".join(parts)


def test_smaller_versions_and_masks_are_no_pages() -> None:
    data = linked_tiff([0, 1, 0, 4, 2, 1])
    assert count_frames(data, "TIFF") == 3
    assert [find_page(data, page) for page in range(3)] == [(0, 8), (2, 44), (4, 80)]
    assert count_frames(linked_tiff([1]), "TIFF") == 1
    with pytest.raises(ImageError, match="no page 4"):
        find_page(data, 3)


def test_pages_in_a_circle_are_counted_once() -> None:
    data = bytearray(linked_tiff([0, 0, 0]))
    data[-4:] = struct.pack("<I", 8)
    assert count_frames(bytes(data), "TIFF") == 3


@pytest.mark.parametrize(
    ("format_", "data"),
    [
        ("GIF", several("GIF", 2)[:-1] + b",\0\0\0\0\1\0\1\0\0\2\0" * 500_000),
        ("GIF", b"GIF89a\1\0\1\0\0\0\0" + b"!\xfe\0" * 3_000_000),
        ("WebP", b"RIFF" + bytes(4) + b"WEBP" + (b"ANMF" + bytes(4)) * 2_000_000),
        ("PNG", b"\x89PNG\r\n\x1a\n" + (b"\0\0\0\0tEXt" + bytes(4)) * 2_000_000),
        ("TIFF", linked_tiff([0] * 200_000)),
        ("TIFF", b"MM\0+\0\x08\0\0" + b"\xff" * 8),
    ],
    ids=["gif", "gif comments", "webp", "png", "tiff", "far away"],
)
def test_counting_ends(format_: str, data: bytes) -> None:
    n_frames = count_frames(data, format_)
    assert n_frames in (1, MAX_FRAMES)
    if n_frames == MAX_FRAMES:
        assert describe(0, n_frames, format_).endswith(" 1 of 10,000 or more")


@pytest.mark.parametrize("format_", SEVERAL)
def test_mutated_files_are_counted_too(format_: str) -> None:
    data = several(format_)
    generator = np.random.default_rng(0)
    for n in range(0, len(data), 5):
        assert 1 <= count_frames(data[:n], format_) <= 3
    for _ in range(1000):
        mutated = bytearray(data)
        for at in generator.integers(0, len(data), 3):
            mutated[at] = generator.integers(0, 256)
        assert 1 <= count_frames(bytes(mutated), format_) <= MAX_FRAMES


@pytest.mark.parametrize("name", hostile.REFUSED | hostile.EITHER)
def test_hostile_files_are_counted_without_harm(name: str) -> None:
    for format_ in FORMATS:
        with contextlib.suppress(ImageError):
            assert count_frames((hostile.REFUSED | hostile.EITHER)[name], format_) >= 1


@pytest.mark.parametrize(
    ("frame", "n_frames", "format_", "text"),
    [
        (0, 3, "TIFF", "page 1 of 3"),
        (1, 3, "GIF", "frame 2 of 3"),
        (0, 1, "GIF", ""),
        (1233, 5000, "WebP", "frame 1,234 of 5,000"),
    ],
)
def test_what_is_shown_is_said(frame: int, n_frames: int, format_: str, text: str) -> None:
    assert describe(frame, n_frames, format_) == text
    word = "page" if format_ == "TIFF" else "frame"
    assert parse_description(text) == ((word, n_frames) if text else None)


@pytest.mark.parametrize(
    "note", ["page 1 of 9999999999", "page of 3", "frame ١ of ٣", "x page 1 of 2"]
)
def test_other_notes_tell_no_number_of_frames(note: str) -> None:
    assert parse_description(note) is None


def test_a_frame_that_there_is_not_is_refused_with_the_number_there_are() -> None:
    check_frame(2, 3, "GIF", (16, 12), Limits())
    with pytest.raises(ImageError, match="no frame 4: the file has 3 frames"):
        check_frame(3, 3, "GIF", (16, 12), Limits())
    with pytest.raises(ImageError, match="no page 2: the file has one page"):
        check_frame(1, 1, "TIFF", (16, 12), Limits())


def test_a_frame_behind_too_much_decoding_is_refused_with_the_last_that_is_not() -> None:
    limits = Limits(max_pixels=1_000_000)
    check_frame(39, 500, "GIF", (1000, 100), limits)
    with pytest.raises(ImageError, match=r"Frame 41 takes too long.* up to 40"):
        check_frame(40, 500, "GIF", (1000, 100), limits)
    check_frame(400, 500, "TIFF", (1000, 100), limits)


def test_a_frame_that_is_missing_after_all_is_refused() -> None:
    data = several("GIF")
    with (
        Image.open(io.BytesIO(data)) as picture,
        pytest.raises(ImageError, match="Frame 8 of this"),
    ):
        seek_frame(picture, 7)
