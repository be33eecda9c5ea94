from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image

import hostile
from kmseg.picture.formats.repair import ended_jpeg, split_png

MOST = 4 << 20


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def with_chunk(data: bytes, chunk: bytes, at: int = 33) -> bytes:
    """A PNG with one chunk more, behind its header."""
    return data[:at] + chunk + data[at:]


def broken(kind: bytes, content: bytes = b"key\0text") -> bytes:
    chunk = hostile.png_chunk(kind, content)
    return chunk[:-1] + bytes([chunk[-1] ^ 1])


PNG = hostile.saved(hostile.picture(), "PNG")


@pytest.mark.parametrize(
    "kind", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"pHYs", b"gAMA", b"iCCP", b"prVt"]
)
def test_an_ancillary_chunk_with_a_wrong_checksum_goes(kind: bytes) -> None:
    damaged = with_chunk(PNG, broken(kind))
    mended, profile = split_png(damaged, MOST)
    assert mended == PNG
    assert profile is None
    before_the_end = with_chunk(PNG, broken(kind), len(PNG) - 12)
    assert split_png(before_the_end, MOST)[0] == PNG


@pytest.mark.parametrize("kind", [b"IDAT", b"PLTE", b"QQQQ"])
def test_a_chunk_that_matters_stays_even_with_a_wrong_checksum(kind: bytes) -> None:
    damaged = with_chunk(PNG, broken(kind))
    assert split_png(damaged, MOST) == (damaged, None)


def test_a_file_in_order_is_not_copied() -> None:
    for data in (PNG, PNG + b"behind the end", hostile.jpeg(), b"", PNG[:20], b"\x89PNG\r\n\x1a\n"):
        assert split_png(data, MOST)[0] is data


def test_bytes_behind_the_end_are_kept_where_they_are() -> None:
    assert split_png(with_chunk(PNG, broken(b"tEXt")) + b"tail", MOST)[0] == PNG + b"tail"


def test_an_animation_with_a_damaged_frame_becomes_a_still_picture() -> None:
    frames = [hostile.picture().point(lambda level, n=n: level // n) for n in (1, 2, 3)]
    data = hostile.saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    at = data.index(b"fdAT") + 10
    damaged = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    mended, _ = split_png(damaged, MOST)
    assert not any(kind in mended for kind in (b"acTL", b"fcTL", b"fdAT"))
    assert (pixels(mended) == pixels(hostile.saved(frames[0], "PNG"))).all()
    assert split_png(data, MOST)[0] is data


def test_the_profile_is_taken_out() -> None:
    data = hostile.saved(hostile.picture(), "PNG", icc_profile=b"a profile" * 1000)
    assert split_png(data, MOST) == (PNG, b"a profile" * 1000)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (b"name\0\0" + zlib.compress(bytes(50 << 20), 9), MOST + 1),
        (b"name\0\0" + zlib.compress(bytes(2 << 20), 9), 2 << 20),
        (b"name\0\0junk", 7),
        (b"name", 7),
        (b"", 7),
    ],
    ids=["bomb", "two megabytes", "junk", "name only", "empty"],
)
def test_a_profile_that_pillow_would_refuse_the_file_for_is_taken_out(
    content: bytes, size: int
) -> None:
    mended, profile = split_png(with_chunk(PNG, hostile.png_chunk(b"iCCP", content)), MOST)
    assert mended == PNG
    assert profile is not None and len(profile) == size


def test_lengths_that_lie_are_left_to_the_parser() -> None:
    for lie in (b"\xff\xff\xff\xfftEXt", b"\0\0\0\0", b"\0\0\0\x05tEXt"):
        damaged = PNG[:33] + lie
        assert split_png(damaged, MOST) == (damaged, None)


def jpeg(progressive: bool, quality: int, size: tuple[int, int] = (333, 201)) -> bytes:
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 12, (size[1], size[0], 3))
    rows, columns = np.mgrid[: size[1], : size[0]]
    scene = np.stack([rows, columns, rows + columns], axis=2) / 2 + noise
    picture = Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8))
    return hostile.saved(picture, "JPEG", progressive=progressive, quality=quality)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [10, 50, 95])
def test_a_jpeg_that_lacks_only_its_end_marker_is_ended(progressive: bool, quality: int) -> None:
    whole = jpeg(progressive, quality)
    for cut in (whole[:-2], whole[:-1], whole[:-2] + bytes(500)):
        ended = ended_jpeg(cut)
        assert ended is not None
        assert (pixels(ended) == pixels(whole)).all()


@pytest.mark.parametrize("quality", [10, 50, 95])
@pytest.mark.parametrize("missing", [10, 40, 200, 1000])
@pytest.mark.parametrize("filler", [b"", bytes(3000)])
def test_a_jpeg_that_lacks_rows_is_not(quality: int, missing: int, filler: bytes) -> None:
    assert ended_jpeg(jpeg(False, quality)[: -2 - missing] + filler) is None


def test_a_progressive_jpeg_cut_within_a_scan_is_not_ended() -> None:
    whole = jpeg(True, 80)
    assert ended_jpeg(whole[: -len(whole) // 4]) is None
