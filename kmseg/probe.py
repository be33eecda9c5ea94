"""What a picture claims to be, read from its header before any decoder sees a byte.

A few hundred bytes can make a decoder allocate gigabytes, or keep it busy for minutes. So the
claims are checked first, with bounds on every loop: which of the six formats it is (by its first
bytes, never by its name), how large it is, and whether the file holds enough data for that.
"""

from __future__ import annotations

import math
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from kmseg.errors import ImageError, KmsegError

FORMATS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF")
MEGAPIXELS_VARIABLE = "KMSEG_MAX_MEGAPIXELS"

# No walk over chunks, blocks or segments takes more steps than this: a 50 MiB GIF made of full
# blocks (255 bytes, GIF89a section 15) has 205,000.
_MAX_STEPS = 300_000
# A segment holds up to 64 KiB (T.81, B.1.1.4): 50 MiB of metadata come in 800.
_MAX_JPEG_SEGMENTS = 10_000
# Pillow looks for the next JPEG marker byte by byte in Python; real files have next to no padding.
_MAX_JPEG_PADDING = 64 * 1024
# Pillow joins EXIF segments one by one, which takes the square of their number.
_MAX_JPEG_EXIF_SEGMENTS = 16
# Pillow decodes the runs of a BMP in Python: a few seconds for this many bytes.
_MAX_BMP_RUNS = 8 * 1024 * 1024
# Pillow inflates each of these chunks, up to 1 MiB apiece.
_MAX_PNG_COMPRESSED_CHUNKS = 100
# No TIFF directory of a photo comes near this number of tags.
_MAX_TIFF_TAGS = 4096
# The most bytes that one byte can stand for. DEFLATE: zlib.net/zlib_tech.html.
_DEFLATE_RATIO = 1032


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest picture that is read.

    Parameters
    ----------
    max_pixels : int
        Width times height.
    max_side : int
        Width or height alone.
    max_bytes : int
        Size of the file.
    max_decoded_bytes : int
        Width times height times bytes per pixel, as the file stores its samples.
    max_jpeg_scans : int
        Passes over the picture; an ordinary progressive JPEG has about ten.
    """

    max_pixels: int = 50_000_000
    max_side: int = 30_000
    max_bytes: int = 50 * 1024 * 1024
    max_decoded_bytes: int = 400_000_000
    max_jpeg_scans: int = 100

    @classmethod
    def from_environment(cls) -> Limits:
        """The limits in force: ``KMSEG_MAX_MEGAPIXELS`` replaces the 50 megapixels.

        Raises
        ------
        KmsegError
            The variable is set, but is not a number above 0 and up to 900.
        """
        default = cls()
        text = os.environ.get(MEGAPIXELS_VARIABLE, "").strip()
        if not text:
            return default
        try:
            megapixels = float(text)
        except ValueError:
            megapixels = math.nan
        largest = default.max_side**2 / 1e6
        if not 0 < megapixels <= largest:
            raise KmsegError(
                f"{MEGAPIXELS_VARIABLE} must be a number of megapixels above 0 and up to "
                f"{largest:g}, not {text[:40]!r}; correct or unset it."
            )
        pixels = max(1, int(megapixels * 1e6))
        return cls(max_pixels=pixels, max_decoded_bytes=8 * pixels)

    def check_file_size(self, n_bytes: int) -> None:
        """Refuse a file that is too large to be read, or empty.

        Raises
        ------
        ImageError
        """
        if n_bytes == 0:
            raise ImageError("The file is empty; choose a picture with something in it.")
        if n_bytes > self.max_bytes:
            raise ImageError(
                f"The file is larger than {self.max_bytes / 2**20:g} MB, the most that is read; "
                "save the picture smaller or compressed more strongly."
            )

    def check_size(self, width: int, height: int, bits_per_pixel: int = 24) -> None:
        """Refuse a picture that is too large to be decoded, or has no pixels.

        Raises
        ------
        ImageError
        """
        if width < 1 or height < 1:
            raise ImageError(
                f"The picture claims to be {width} x {height} pixels; "
                "it needs at least one in each direction."
            )
        if max(width, height) > self.max_side or width * height > self.max_pixels:
            raise ImageError(
                f"The picture is {width} x {height} pixels; at most {self.max_pixels / 1e6:g} "
                f"megapixels and {self.max_side} pixels a side are read. Make it smaller first."
            )
        if width * height * bits_per_pixel > 8 * self.max_decoded_bytes:
            raise ImageError(
                f"The picture takes more than {self.max_decoded_bytes / 1e6:g} MB once decoded, "
                "the most that is read; save it with 8 bits per channel."
            )


@dataclass(frozen=True, slots=True)
class BitFields:
    """How a BMP of 16 or 32 bits per pixel keeps its channels.

    Parameters
    ----------
    offset : int
        Where the pixels begin.
    top_down : bool
        The first row is the top one.
    masks : tuple of int
        The bits of red, green, blue and, perhaps, alpha.
    """

    offset: int
    top_down: bool
    masks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """What a file claims about its first picture.

    Parameters
    ----------
    format : str
        One of :data:`FORMATS`.
    width, height : int
        As stored, before any turning upright.
    samples, bits : int
        Samples per pixel, and bits per sample.
    interlaced : bool
        A PNG stored in seven passes.
    white_is_zero : bool
        A gray TIFF whose samples count from white to black.
    bit_fields : BitFields, optional
        For a BMP that states them.
    """

    format: str
    width: int
    height: int
    samples: int = 3
    bits: int = 8
    interlaced: bool = False
    white_is_zero: bool = False
    bit_fields: BitFields | None = None


def probe(data: bytes, limits: Limits) -> Header:
    """Check what `data` claims to be against `limits`, without decoding it.

    Parameters
    ----------
    data : bytes
        A whole file.
    limits : Limits
        The largest picture that is accepted.

    Returns
    -------
    Header

    Raises
    ------
    ImageError
        Not one of the six formats, too large, damaged, or too short for what it claims.
    """
    limits.check_file_size(len(data))
    format_ = _identify(data)
    try:
        header = _PARSERS[format_](data, limits)
    except (struct.error, IndexError, OverflowError) as error:
        raise _refusal(format_, "is cut short") from error
    limits.check_size(header.width, header.height, header.samples * header.bits)
    return header


def _refusal(format_: str, what: str) -> ImageError:
    return ImageError(f"This {format_} file {what}; try another copy of it, or save it again.")


def _identify(data: bytes) -> str:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if data.startswith(b"BM"):
        return "BMP"
    looks = "not a picture that is read here"
    if data[4:8] == b"ftyp":  # ISO base media (ISO/IEC 14496-12): what iPhones save
        looks = "a HEIC, AVIF or video file"
    raise ImageError(
        f"The file is {looks}; save the picture as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}."
    )


# -- JPEG: ITU-T T.81, annex B ---------------------------------------------------------------------

# A marker is FF and a code; FF 00 is data, FF FF padding, and D0-D7 restarts within a scan.
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_HUFFMAN_FRAMES = (0xC0, 0xC1, 0xC2)


def _jpeg(data: bytes, limits: Limits) -> Header:
    header = None
    n_scans = n_blocks = n_exif = padding = 0
    data_start = 2
    for code, start, length in _jpeg_segments(data):
        if code in _JPEG_FRAMES and header is None:
            header, n_blocks = _jpeg_frame(code, data[start : start + length])
        if n_scans == 0:
            padding += start - 2 - data_start
            data_start = start + length
        n_scans += code == 0xDA
        n_exif += code == 0xE1 and data.startswith(b"Exif\0\0", start + 2)
        if n_scans > limits.max_jpeg_scans:
            raise _refusal("JPEG", f"has more than {limits.max_jpeg_scans} scans")
        if n_exif > _MAX_JPEG_EXIF_SEGMENTS:
            raise _refusal("JPEG", "carries too much EXIF data")
        if padding > _MAX_JPEG_PADDING:
            raise _refusal("JPEG", "is damaged: it has bytes that belong nowhere")
    if header is None or n_scans == 0:
        raise _refusal("JPEG", "holds no picture")
    limits.check_size(header.width, header.height)
    if n_blocks > 8 * (len(data) - data_start):
        raise _refusal("JPEG", "is cut short: it has too little data for its size")
    return header


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Code, start and length of each segment, up to the end of the first picture."""
    position = 2
    for _ in range(_MAX_JPEG_SEGMENTS):
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            return
        code, position = data[found.end() - 1], found.end()
        if code == 0xD9:
            return
        if code < 0xC0 or code == 0xD8:  # stand alone, without a length
            continue
        (length,) = struct.unpack_from(">H", data, position)
        yield code, position, length
        position += max(2, length)
    raise _refusal("JPEG", "has too many segments")


def _jpeg_frame(code: int, segment: bytes) -> tuple[Header, int]:
    """The header, and how many bits of data it needs at least: one for each block of 8 x 8."""
    bits, height, width, n_components = struct.unpack_from(">BHHB", segment, 2)
    if bits != 8:
        raise ImageError(f"This JPEG file has {bits} bits per channel; save it again with 8.")
    sampling = [divmod(segment[9 + 3 * i], 16) for i in range(n_components)]
    widest = max((h for h, _ in sampling), default=0) * 8
    tallest = max((v for _, v in sampling), default=0) * 8
    if not (widest and tallest):
        raise _refusal("JPEG", "is damaged")
    n_blocks = sum(-(-width * h // widest) * -(-height * v // tallest) for h, v in sampling)
    header = Header("JPEG", width, height, n_components)
    return header, n_blocks if code in _JPEG_HUFFMAN_FRAMES else 0


# -- PNG: W3C PNG specification, third edition -----------------------------------------------------

_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_BITS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# First column and row of each interlacing pass, and the steps between them (section 8.1).
_PNG_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def _png(data: bytes, limits: Limits) -> Header:
    header = None
    n_compressed = n_profiles = idat_bytes = 0
    kinds = set()
    for kind, start, length in _png_chunks(data):
        if header is None:
            if kind != b"IHDR" or length != 13:
                raise _refusal("PNG", "does not begin with its header")
            header = _png_header(data, start)
            limits.check_size(header.width, header.height, header.samples * header.bits)
        kinds.add(kind)
        idat_bytes += length * (kind == b"IDAT")
        n_profiles += kind == b"iCCP"
        n_compressed += kind in (b"iCCP", b"zTXt", b"iTXt")
        if n_profiles > 1 or n_compressed > _MAX_PNG_COMPRESSED_CHUNKS:
            raise _refusal("PNG", "carries too many compressed texts or profiles")
    if header is None or b"IEND" not in kinds:
        raise _refusal("PNG", "is cut short")
    if data[25] == 3 and b"PLTE" not in kinds:
        raise _refusal("PNG", "lacks its palette")
    if idat_bytes * _DEFLATE_RATIO < _png_raw_bytes(header):
        raise _refusal("PNG", "is cut short: it has too little data for its size")
    return header


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of each chunk up to the end marker, checksums verified."""
    view = memoryview(data)
    position = 8
    for _ in range(_MAX_STEPS):
        if position == len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        (checksum,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(view[position + 4 : end]) != checksum:
            raise _refusal("PNG", "is damaged: a checksum is wrong")
        yield kind, position + 8, length
        if kind == b"IEND":
            return
        position = end + 4
    raise _refusal("PNG", "has too many chunks")


def _png_header(data: bytes, start: int) -> Header:
    width, height, bits, color, compression, filter_, interlace = struct.unpack_from(
        ">IIBBBBB", data, start
    )
    if bits not in _PNG_BITS.get(color, ()) or compression or filter_ or interlace > 1:
        raise _refusal("PNG", "has a header that PNG does not allow")
    return Header("PNG", width, height, _PNG_SAMPLES[color], bits, interlaced=interlace == 1)


def _png_raw_bytes(header: Header) -> int:
    """Bytes of the rows before compression: each row is led by a filter byte."""
    total = 0
    for left, top, across, down in _PNG_PASSES if header.interlaced else ((0, 0, 1, 1),):
        columns = max(0, -(-(header.width - left) // across))
        rows = max(0, -(-(header.height - top) // down))
        if columns:
            total += rows * (1 + (columns * header.samples * header.bits + 7) // 8)
    return total


def png_is_complete(data: bytes, header: Header) -> bool:
    """Whether a PNG file that passed :func:`probe` really holds every row.

    It inflates the whole picture to count its bytes: decoders accept a stream that ends early
    and leave the rest black.

    Parameters
    ----------
    data : bytes
        The file.
    header : Header
        What :func:`probe` returned for it.

    Returns
    -------
    bool
    """
    inflater = zlib.decompressobj()
    missing = _png_raw_bytes(header)
    view = memoryview(data)
    try:
        for kind, start, length in _png_chunks(data):
            # In small steps, for one step can inflate a thousandfold.
            for at in range(start, start + length if kind == b"IDAT" else start, 4096):
                missing -= len(inflater.decompress(view[at : min(at + 4096, start + length)]))
                if missing <= 0:
                    return True
    except zlib.error:
        return False
    return False


# -- GIF: GIF89a specification ---------------------------------------------------------------------


def _gif(data: bytes, limits: Limits) -> Header:
    screen_width, screen_height, flags = struct.unpack_from("<HHB", data, 6)
    size = None
    for start, n_bytes in _gif_frames(data, 13 + _gif_palette_bytes(flags)):
        left, top, width, height, flags = struct.unpack_from("<HHHHB", data, start)
        frame = max(screen_width, left + width), max(screen_height, top + height)
        limits.check_size(*frame, bits_per_pixel=8)
        if size is None:
            size = frame  # decoders enlarge the screen to hold the first frame
            first_code_bits = data[start + 9 + _gif_palette_bytes(flags)] + 1
            if width * height > _gif_most_pixels(8 * n_bytes // first_code_bits):
                raise _refusal("GIF", "is cut short: it has too little data for its size")
    if size is None:
        raise _refusal("GIF", "holds no picture")
    return Header("GIF", *size, samples=1)


def _gif_frames(data: bytes, position: int) -> Iterator[tuple[int, int]]:
    """Where each frame's description starts, and how many bytes of data it has."""
    n_steps = 0
    while position < len(data) and data[position] != 0x3B:
        introducer, start = data[position], position + 1
        position += 1
        if introducer == 0x2C:
            position += 10 + _gif_palette_bytes(data[start + 8])
        elif introducer == 0x21:
            position += 1
        n_bytes = 0
        while introducer in (0x21, 0x2C) and position < len(data) and data[position]:
            n_bytes += min(data[position], len(data) - position - 1)
            position += 1 + data[position]
            n_steps += 1
            if n_steps > _MAX_STEPS:
                break
        position += introducer in (0x21, 0x2C)
        n_steps += 1
        if n_steps > _MAX_STEPS:
            raise _refusal("GIF", "has too many blocks")
        if introducer == 0x2C:
            yield start, n_bytes


def _gif_palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _gif_most_pixels(n_codes: int) -> int:
    """Each LZW code stands for at most one pixel more than the one before, up to 4096."""
    growing = min(n_codes, 4096)
    return growing * (growing + 1) // 2 + 4096 * (n_codes - growing)


# -- BMP: BITMAPCOREHEADER to BITMAPV5HEADER (learn.microsoft.com/windows/win32/gdi), and OS/2 -----

_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_BMP_BITS = (1, 4, 8, 16, 24, 32)


def _bmp(data: bytes, limits: Limits) -> Header:
    offset, kind = struct.unpack_from("<II", data, 10)
    if kind not in _BMP_HEADERS:
        raise _refusal("BMP", "has a header of an unknown kind")
    if kind == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    if bits not in _BMP_BITS or compression not in (0, 1, 2, 3) or (compression, kind) == (3, 64):
        raise _refusal("BMP", "is compressed or coloured in a way that is not read")
    top_down, height = height < 0, abs(height)
    limits.check_size(width, height, bits)
    stride = bmp_stride(width, bits)
    available = len(data) - offset
    if compression in (1, 2):
        if available > _MAX_BMP_RUNS:
            raise _refusal("BMP", "is too large for its run-length compression")
    elif available < stride * (height - 1) + (width * bits + 7) // 8:
        raise _refusal("BMP", "is cut short: it has too little data for its size")
    fields = None
    if compression == 3:
        if bits not in (16, 32):
            raise _refusal("BMP", "has a header that BMP does not allow")
        masks = struct.unpack_from("<4I" if kind >= 56 else "<3I", data, 54)
        fields = BitFields(offset, top_down, masks)
    return Header("BMP", width, height, samples=1, bits=bits, bit_fields=fields)


def bmp_stride(width: int, bits: int) -> int:
    """Bytes of a BMP row, which is padded to a multiple of four."""
    return (width * bits + 31) // 32 * 4


# -- TIFF: TIFF 6.0, and BigTIFF -------------------------------------------------------------------

_TIFF_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
# How many bytes one byte can become, by compression. Bilevel fax codes and the newer, stronger
# compressions have no useful bound.
_TIFF_RATIOS = {1: 1, 5: 4096, 8: _DEFLATE_RATIO, 32946: _DEFLATE_RATIO, 32773: 128}
_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _ROWS_PER_STRIP, _PLANAR = 277, 278, 284
_STRIP_OFFSETS, _TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS = 273, 322, 323, 324


@dataclass(frozen=True, slots=True)
class _Tag:
    count: int
    values: tuple[int, ...]  # the first eight at most


def _tiff(data: bytes, limits: Limits) -> Header:
    tags = _tiff_tags(data)

    def number(tag: int, default: int) -> int:
        return tags[tag].values[0] if tag in tags else default

    width, height = number(_WIDTH, 0), number(_LENGTH, 0)
    bits = max(tags[_BITS].values) if _BITS in tags else 1
    samples = number(_SAMPLES, tags[_BITS].count if _BITS in tags else 1)
    limits.check_size(width, height, bits * samples)
    pieces = tags.get(_STRIP_OFFSETS, tags.get(_TILE_OFFSETS))
    if pieces is None:
        raise _refusal("TIFF", "holds no picture")
    across, down = width, min(number(_ROWS_PER_STRIP, height), height)
    if _STRIP_OFFSETS not in tags:
        across, down = number(_TILE_WIDTH, 0), number(_TILE_LENGTH, 0)
        limits.check_size(across, down, bits * samples)
    n_pieces = -(-width // max(1, across)) * -(-height // max(1, down))
    if number(_PLANAR, 1) == 2:
        n_pieces *= samples
    if not n_pieces <= pieces.count <= _MAX_STEPS:
        raise _refusal("TIFF", "is damaged: its strips do not cover the picture")
    ratio, photometric = _TIFF_RATIOS.get(number(_COMPRESSION, 1)), number(_PHOTOMETRIC, 1)
    stored = 1 if photometric == 6 else samples  # YCbCr keeps its colour at a lower resolution
    if ratio and len(data) * ratio < (width * bits * stored + 7) // 8 * height:
        raise _refusal("TIFF", "is cut short: it has too little data for its size")
    return Header("TIFF", width, height, samples, bits, white_is_zero=photometric == 0)


def _tiff_tags(data: bytes) -> dict[int, _Tag]:
    """The whole-number tags of the first directory; the others are never followed."""
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] in (b"+\0", b"\0+"):
        at, counter, entry, room = 8, "Q", "HHQ", 8
    else:
        at, counter, entry, room = 4, "H", "HHI", 4
    (position,) = struct.unpack_from(order + ("Q" if room == 8 else "I"), data, at)
    (n_tags,) = struct.unpack_from(order + counter, data, position)
    if n_tags > _MAX_TIFF_TAGS:
        raise _refusal("TIFF", "has too many tags")
    position += struct.calcsize("=" + counter)
    tags = {}
    for _ in range(n_tags):
        tag, kind, count = struct.unpack_from(order + entry, data, position)
        start = position + struct.calcsize("=" + entry)
        position = start + room
        letter = _TIFF_NUMBERS.get(kind)
        if letter is None or count == 0:
            continue
        if count * struct.calcsize("=" + letter) > room:
            (start,) = struct.unpack_from(order + ("Q" if room == 8 else "I"), data, start)
            if start + count * struct.calcsize("=" + letter) > len(data):
                continue
        tags[tag] = _Tag(count, struct.unpack_from(f"{order}{min(count, 8)}{letter}", data, start))
    return tags


# -- WebP: RFC 9649 --------------------------------------------------------------------------------


def _webp(data: bytes, limits: Limits) -> Header:
    (riff_bytes,) = struct.unpack_from("<I", data, 4)
    if riff_bytes + 8 > len(data):
        raise _refusal("WebP", "is cut short")
    canvas = None
    position = 12
    for _ in range(_MAX_STEPS):
        kind, length = struct.unpack_from("<4sI", data, position)
        size = _webp_size(kind, data, position + 8)
        if size:
            limits.check_size(*size, bits_per_pixel=32)
            canvas = canvas or size
            if size[0] > canvas[0] or size[1] > canvas[1]:
                raise _refusal("WebP", "is damaged: a frame is larger than the picture")
        position += 8 + length + length % 2
        if kind in (b"VP8 ", b"VP8L") or position + 8 > min(len(data), riff_bytes + 8):
            break
    else:
        raise _refusal("WebP", "has too many chunks")
    if canvas is None:
        raise _refusal("WebP", "holds no picture")
    return Header("WebP", *canvas, samples=4)


def _webp_size(kind: bytes, data: bytes, start: int) -> tuple[int, int] | None:
    """Width and height that a chunk states, for an animation's frame where it reaches to."""
    if kind == b"VP8 ":
        if data[start + 3 : start + 6] != b"\x9d\x01\x2a":
            raise _refusal("WebP", "is damaged")
        width, height = struct.unpack_from("<HH", data, start + 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        signature, packed = struct.unpack_from("<BI", data, start)
        if signature != 0x2F:
            raise _refusal("WebP", "is damaged")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    if kind not in (b"VP8X", b"ANMF"):
        return None
    at = start + 4 if kind == b"VP8X" else start
    a, b, c, d = (int.from_bytes(data[i : i + 3], "little") for i in range(at, at + 12, 3))
    return (a + 1, b + 1) if kind == b"VP8X" else (2 * a + c + 1, 2 * b + d + 1)


_PARSERS = {"JPEG": _jpeg, "PNG": _png, "WebP": _webp, "GIF": _gif, "BMP": _bmp, "TIFF": _tiff}
