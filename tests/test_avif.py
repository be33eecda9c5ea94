from __future__ import annotations

import contextlib
import importlib.metadata
import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

import hostile
from kmseg.errors import ImageError
from kmseg.picture.formats import av1, avif, heif
from kmseg.picture.formats.base import Header
from kmseg.picture.formats.boxes import boxes, identify
from kmseg.picture.limits import Limits


def saved(image: Image.Image | None = None, **options: object) -> bytes:
    return hostile.saved(image or hostile.picture(60, 40), "AVIF", **options)


def box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full(kind: bytes, *contents: bytes, version: int = 0) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]), *contents)


def heif_file(
    kinds: list[bytes],
    sizes: list[tuple[int, int]],
    contents: list[bytes],
    brand: bytes = b"avif",
    primary: int = 1,
) -> bytes:
    """A file of items, numbered from 1, each with its size and content."""
    ftyp = box(b"ftyp", brand, bytes(4), brand, b"mif1")
    infe = [
        full(b"infe", struct.pack(">HH4sB", n, 0, kind, 0), version=2)
        for n, kind in enumerate(kinds, 1)
    ]
    properties = [full(b"ispe", struct.pack(">II", *size)) for size in sizes]
    links = b"".join(struct.pack(">HBB", n, 1, n) for n in range(1, len(sizes) + 1))
    ipma = full(b"ipma", struct.pack(">I", len(sizes)), links)

    def meta(offset: int) -> bytes:
        places = b""
        for n, content in enumerate(contents, 1):
            places += struct.pack(">HHHII", n, 0, 1, offset, len(content))
            offset += len(content)
        return full(
            b"meta",
            full(b"hdlr", bytes(4), b"pict", bytes(13)),
            full(b"pitm", struct.pack(">H", primary)),
            full(b"iloc", b"\x44\0", struct.pack(">H", len(contents)), places),
            full(b"iinf", struct.pack(">H", len(kinds)), *infe),
            box(b"iprp", box(b"ipco", *properties), ipma),
        )

    start = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(start) + box(b"mdat", *contents)


def sequence_header(width: int, height: int) -> bytes:
    """An AV1 sequence header, reduced for a still picture, of any size up to 65,536."""
    bits = (
        "000" + "1" + "1" + "00000" + "1111" * 2 + f"{width - 1:016b}{height - 1:016b}" + "0" * 22
    )
    data = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    return bytes([0x0A, len(data)]) + data


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
@pytest.mark.parametrize("size", [(1, 1), (16, 12), (300, 7)])
def test_size_of_what_pillow_writes(mode: str, size: tuple[int, int]) -> None:
    data = saved(hostile.picture(*size).convert(mode))
    assert identify(data) == "AVIF"
    assert avif.parse(data, Limits()) == Header("AVIF", *size, samples=4)


def test_an_animation_has_the_size_of_its_frames() -> None:
    frames = [hostile.picture(60, 40)] * 3
    data = saved(frames[0], save_all=True, append_images=frames[1:])
    assert data[8:12] == b"avis"
    assert avif.parse(data, Limits()) == Header("AVIF", 60, 40, samples=4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pillow_tells_the_orientation_of_irot_and_imir_as_exif(orientation: int) -> None:
    """What turning pictures upright relies on, with the size as stored."""
    upright = Image.new("RGB", (64, 32))
    upright.paste((255, 0, 0), (0, 0, 16, 8))
    exif = Image.Exif()
    exif[274] = orientation
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    data = saved(stored, exif=exif, quality=100, subsampling="4:4:4")
    header = avif.parse(data, Limits())
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (header.width, header.height) == stored.size
    turned = np.asarray(ImageOps.exif_transpose(picture)).astype(int)
    assert turned.shape == (32, 64, 3)
    assert turned[4, 8, 0] > 200 and turned[28, 56, 0] < 50 and turned[28, 8, 0] < 50


def test_grid_of_tiles() -> None:
    grid = struct.pack(">BBBBHH", 0, 0, 0, 1, 100, 40)
    tile = sequence_header(50, 40)
    data = heif_file(
        [b"grid", b"av01", b"av01"], [(100, 40), (50, 40), (50, 40)], [grid, tile, tile]
    )
    assert avif.parse(data, Limits()) == Header("AVIF", 100, 40, samples=4)


LIES = {
    "large": heif_file([b"av01"], [(30_000, 30_000)], [sequence_header(16, 16)]),
    "one side": heif_file([b"av01"], [(40_000, 1)], [sequence_header(16, 16)]),
    "no pixels": heif_file([b"av01"], [(0, 16)], [sequence_header(16, 16)]),
    "data larger than stated": heif_file([b"av01"], [(16, 16)], [sequence_header(16_000, 16_000)]),
    "second header larger": heif_file(
        [b"av01"], [(16, 16)], [sequence_header(16, 16) + sequence_header(16_000, 16_000)]
    ),
    "alpha larger": heif_file(
        [b"av01", b"av01"], [(16, 16)] * 2, [sequence_header(16, 16), sequence_header(16_000, 9000)]
    ),
    "grid larger": heif_file(
        [b"grid", b"av01"],
        [(16, 16)] * 2,
        [struct.pack(">BBBBII", 0, 1, 255, 255, 60_000, 60_000), sequence_header(16, 16)],
    ),
    "grid of another size": heif_file(
        [b"grid", b"av01"],
        [(16, 16)] * 2,
        [struct.pack(">BBBBHH", 0, 0, 0, 0, 32, 32), sequence_header(16, 16)],
    ),
    "many tiles": heif_file(
        [b"av01"] * 40, [(7000, 7000)] * 40, [sequence_header(7000, 7000)] * 40
    ),
    "overlay": heif_file([b"iovl"], [(16, 16)], [bytes(12)]),
    "no data": heif_file([b"av01"], [(16, 16)], [b""]),
    "no size": heif_file([b"av01"], [], [sequence_header(16, 16)]),
    "no items": heif_file([], [], []),
    "no meta": box(b"ftyp", b"avif", bytes(4)),
    "only a start": box(b"ftyp", b"avif", bytes(4)) + b"\0\0\0",
    "box of no length": box(b"ftyp", b"avif", bytes(4)) + struct.pack(">I4s", 4, b"meta"),
}


@pytest.mark.parametrize("name", LIES)
def test_lies_are_refused_before_any_decoder_sees_them(name: str) -> None:
    with pytest.raises(ImageError) as caught:
        avif.parse(LIES[name], Limits())
    assert str(caught.value).isprintable()


def test_overlapping_items_are_not_read_over_and_over() -> None:
    data = bytearray(heif_file([b"av01"] * 99, [(16, 16)] * 99, [sequence_header(16, 16)] * 99))
    for n, (kind, start, _) in enumerate(boxes(data, 36, len(data), "AVIF")):
        assert (n, kind) == (0, b"hdlr") or n > 0
        if kind == b"iloc":
            for entry in range(start + 8, start + 8 + 99 * 14, 14):
                data[entry + 6 : entry + 14] = struct.pack(">II", 100, len(data) - 200)
    with pytest.raises(ImageError, match="its parts overlap"):
        avif.parse(bytes(data), Limits())


@pytest.mark.parametrize(
    "options", [{}, {"save_all": True, "append_images": [hostile.picture(60, 40)]}]
)
def test_files_cut_short_or_mutated_raise_nothing_but_what_the_probe_expects(
    options: dict[str, object],
) -> None:
    data = saved(**options)
    expected = (ImageError, struct.error, IndexError, OverflowError)
    for n in range(0, len(data) - 40, 7):
        with pytest.raises(expected):
            avif.parse(data[:n], Limits())
    generator = np.random.default_rng(0)
    for _ in range(2000):
        mutated = bytearray(data)
        for at in generator.integers(0, min(len(data), 1200), 2):
            mutated[at] = generator.integers(0, 256)
        with contextlib.suppress(*expected):
            header = avif.parse(bytes(mutated), Limits())
            assert header.width * header.height <= 50_000_000


@pytest.mark.parametrize("size", [(1, 1), (60, 40), (513, 1025)])
def test_sequence_headers_state_the_largest_frame(size: tuple[int, int]) -> None:
    assert list(av1.frame_sizes(sequence_header(*size) * 2)) == [size, size]
    frames = [hostile.picture(*size)] * 2
    data = saved(frames[0], save_all=True, append_images=frames[1:])  # not a reduced header
    mdat = next((a, b) for kind, a, b in boxes(data, 0, len(data), "AVIF") if kind == b"mdat")
    assert next(av1.frame_sizes(data[slice(*mdat)])) == size


HEIC = heif_file([b"hvc1"], [(64, 48)], [b"\0" * 20], brand=b"heic")


def test_heic_is_refused_with_the_way_to_a_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heif, "can_decode", lambda: False)
    assert identify(HEIC) == "HEIF"
    with pytest.raises(ImageError, match="Settings > Camera > Formats > Most Compatible"):
        heif.parse(HEIC, Limits())


@pytest.mark.parametrize(
    ("version", "able"),
    [
        ("1.6.9", False),
        ("1.7.0", True),
        ("1.10.1", True),
        ("2.0", True),
        ("0.22", False),
        ("x", False),
    ],
)
def test_only_a_safe_version_of_pillow_heif_decodes(
    monkeypatch: pytest.MonkeyPatch, version: str, able: bool
) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    assert heif.can_decode() == able


def test_claims_of_heic_are_checked_where_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heif, "can_decode", lambda: True)
    assert heif.parse(HEIC, Limits()) == Header("HEIF", 64, 48, samples=4)
    for size in [(30_000, 30_000), (40_000, 2), (0, 5)]:
        with pytest.raises(ImageError):
            heif.parse(heif_file([b"hvc1"], [size], [bytes(20)], brand=b"heic"), Limits())
    with pytest.raises(ImageError, match="cut short"):
        heif.parse(HEIC[:-5], Limits())


def test_a_cropped_heic_has_the_size_of_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heif, "can_decode", lambda: True)
    whole = heif_file([b"hvc1"], [(64, 48)], [bytes(20)], brand=b"heic")
    ispe = full(b"ispe", struct.pack(">II", 64, 48))
    clap = box(b"clap", struct.pack(">8I", 60, 1, 80, 2, 0, 1, 0, 1))
    old = box(b"ipco", ispe), full(b"ipma", struct.pack(">IHBB", 1, 1, 1, 1))
    new = box(b"ipco", ispe, clap), full(b"ipma", struct.pack(">IHBBB", 1, 1, 2, 1, 2))
    cropped = whole.replace(box(b"iprp", *old), box(b"iprp", *new))
    grown = len(cropped) - len(whole)
    meta = whole.index(b"meta") - 4
    size = int.from_bytes(whole[meta : meta + 4], "big") + grown
    cropped = cropped[:meta] + struct.pack(">I", size) + cropped[meta + 4 :]
    assert heif.parse(cropped, Limits()) == Header("HEIF", 60, 40, samples=4)


def test_other_files_with_boxes_are_neither() -> None:
    assert identify(box(b"ftyp", b"isom", bytes(4), b"mp42")) is None
    assert identify(b"\xff\xd8\xff") is None
    assert identify(box(b"ftyp", b"mif1", bytes(4), b"mif1", b"avif")) == "AVIF"
