"""From what Pillow decodes to strips of 8-bit sRGB with alpha: levels, profile, missing values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from kmseg.parallel.threads import as_made
from kmseg.picture.deep import DeepPicture, load_deep
from kmseg.picture.levels import Scale, choose_scale, parse_nodata
from kmseg.picture.profiles import Conversion, conversion
from kmseg.picture.reading import Levels
from kmseg.picture.strips import Decoded, Strip, row_ranges
from kmseg.picture.survey import Kind, Samples

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage
    from PIL.ImageFile import ImageFile

Array = npt.NDArray[Any]
Alpha = npt.NDArray[np.uint8]
Ranges = list[tuple[int, int]]

_SAMPLE_FORMAT, _NODATA = 339, 42113  # tags of TIFF 6.0 (section 19) and of GDAL
_KINDS: Final[dict[int, Kind]] = {1: "unsigned", 2: "signed", 3: "float"}
# For each 8-bit mode, the modes to convert it to, in turn, so that a colour profile applies.
_PLAIN_MODES: Final = {
    "1": ("L",),
    "P": ("RGBA",),
    "PA": ("PA", "RGBA"),
    "La": ("LA",),
    "RGBa": ("RGBA",),
    "RGBX": ("RGB",),
    "YCbCr": ("RGB",),
}
_TWO_CORES: Final = 2
_NOT_APPLIED: Final = "The colour profile is not applied to grey of more than 8 bits."
#: What is noted where only the upper bytes of samples count.
UPPER_BYTES: Final = "16 bits a channel, read with 8"


def convert(
    open_picture: Callable[[], ImageFile],
    bits: int,
    levels: Levels,
    *,
    white_is_zero: bool = False,
    profile: bytes | None = None,
    key_of_8_bits: Callable[[Array, str], Array] = lambda samples, mode: samples,
    on_load: Callable[[ImageFile], None] = lambda picture: None,
) -> Decoded:
    """Decode a picture with Pillow and convert it.

    Parameters
    ----------
    open_picture : callable
        Opens the picture at the frame that is read, without loading it. It is called twice for 16
        bits a channel.
    bits : int
        Bits per sample, as the header says.
    levels : "auto", "stored" or (low, high)
    white_is_zero : bool
        Gray counts down from white, and Pillow leaves it so (above 8 bits).
    profile : bytes, optional
        The colour profile; by default the one that Pillow finds.
    key_of_8_bits : callable
        Given the samples that the file states for its transparent colour, and the picture's mode,
        returns the values that Pillow decodes such samples to in 8-bit modes.
    on_load : callable
        Given the picture once it is loaded; what it raises ends the conversion.

    Returns
    -------
    Decoded
        Not yet turned: its orientation is for the caller to find.

    Raises
    ------
    ImageError
        No pixel has a value.
    Exception
        Decoders raise many other errors on damaged data.
    """
    deep = load_deep(open_picture) if bits == 16 else None
    picture = deep.upper if deep else open_picture()
    picture.load()
    on_load(picture)
    profile = profile or picture.info.get("icc_profile")
    if deep is None and picture.mode not in ("I", "F") and not picture.mode.startswith("I;16"):
        notes = (UPPER_BYTES,) if bits == 16 else ()
        return _plain(picture, profile, notes, key_of_8_bits)
    nodata = parse_nodata(_tag(picture, _NODATA))
    if deep:
        samples = Samples("unsigned", 16, nodata)
    else:
        samples = gray_samples(picture, bits, nodata, white_is_zero)
    return _scaled(_Source(picture, deep, samples), samples, levels, profile)


def _tag(picture: PillowImage, tag: int) -> Any:
    return getattr(picture, "tag_v2", {}).get(tag)


# -- more than 8 bits ------------------------------------------------------------------------------


def gray_samples(
    picture: PillowImage, bits: int, nodata: float | None, white_is_zero: bool
) -> Samples:
    if picture.mode == "F":
        return Samples("float", 32, nodata, white_is_zero)
    if picture.mode.startswith("I;16"):
        return Samples("unsigned", min(bits, 16), nodata, white_is_zero)
    stated = _tag(picture, _SAMPLE_FORMAT)
    kind = _KINDS.get(stated[0] if isinstance(stated, tuple) and stated else 1, "unsigned")
    return Samples(kind if kind != "float" else "signed", bits, nodata, white_is_zero)


@dataclass(frozen=True, slots=True)
class _Source:
    """A picture of more than 8 bits; its strips can be read more than once."""

    picture: ImageFile
    deep: DeepPicture | None
    samples: Samples

    @property
    def ranges(self) -> Ranges:
        return list(row_ranges(self.picture.width, self.picture.height))

    def values(self, rows: tuple[int, int]) -> tuple[Array, Array | None]:
        if self.deep:
            return self.deep.strip(*rows)
        strip = np.asarray(self.picture.crop((0, rows[0], self.picture.width, rows[1])))
        if strip.dtype == np.int32 and self.samples.kind == "unsigned":
            strip = strip.view(np.uint32)
        return strip.astype(strip.dtype.newbyteorder("="), copy=False)[..., None], None

    def shown_values(self) -> Iterator[Array]:
        """The values that count for levels: not what lies hidden under transparent gray."""
        for rows in self.ranges:
            values, alpha = self.values(rows)
            if alpha is not None and values.shape[2] == 1 and alpha.any():
                values = values[alpha > 0][:, None]
            yield values


def _scaled(source: _Source, samples: Samples, levels: Levels, profile: bytes | None) -> Decoded:
    picture = source.picture
    scale = choose_scale(source.shown_values, samples, levels, picture.width * picture.height)
    is_gray = source.deep is None or source.deep.is_gray
    white = source.deep.alpha_white(iter(source.ranges)) if source.deep else 1
    deep = DeepSamples.of(scale, is_gray, profile, _key(picture), white)
    strips = as_made(lambda rows: deep.strip(*source.values(rows)), source.ranges, _TWO_CORES)
    units = scale.bare if is_gray else None
    return Decoded(picture.width, picture.height, strips, notes=deep.notes, scale=units)


@dataclass(frozen=True, slots=True)
class DeepSamples:
    """How samples of more than 8 bits become sRGB.

    Parameters
    ----------
    scale : Scale
    how : Conversion
        What to do about the colour profile.
    key : ndarray, optional
        The one colour or gray that stands for transparent.
    white : int
        The value of alpha that means opaque.
    """

    scale: Scale
    how: Conversion
    key: Array | None
    white: int

    @classmethod
    def of(
        cls,
        scale: Scale,
        is_gray: bool,
        profile: bytes | None,
        key: Array | None = None,
        white: int = 1,
    ) -> DeepSamples:
        """Those of a picture with this profile, which is not applied to gray."""
        how = conversion(profile, "L" if is_gray else "RGB")
        if is_gray and how.apply:
            how = Conversion(note=_NOT_APPLIED)
        return cls(scale, how, key, white)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is done to the values, one short line each."""
        return self.scale.notes + ((self.how.note,) if self.how.note else ())

    def strip(self, values: Array, alpha: Array | None) -> Strip:
        """A strip of the file's values, (h, w, 1) or (h, w, 3), and of its alpha, (h, w)."""
        color, present = self.scale.apply(values)
        opacity = None if alpha is None else np.rint(alpha * (255 / self.white)).astype(np.uint8)
        for visible in (present, None if self.key is None else (values != self.key).any(axis=2)):
            opacity = _hidden(opacity, visible)
        return _to_srgb(color, self.how), opacity


def _to_srgb(color: Array, how: Conversion) -> Array:
    if how.apply is None:
        return color
    import PIL.Image

    return np.asarray(how.apply(PIL.Image.fromarray(color)))


def _hidden(alpha: Alpha | None, visible: Array | None) -> Alpha | None:
    """Alpha that is 0 where a pixel is not visible."""
    if visible is None:
        return alpha
    return np.where(visible, np.uint8(255) if alpha is None else alpha, np.uint8(0))


# -- up to 8 bits ----------------------------------------------------------------------------------


def _plain(
    picture: ImageFile,
    profile: bytes | None,
    notes: tuple[str, ...],
    key_of_8_bits: Callable[[Array, str], Array],
) -> Decoded:
    key = _key(picture) if picture.mode in ("1", "L", "RGB") else None
    key = None if key is None else key_of_8_bits(key, picture.mode)
    plain = PlainSamples.of(picture, profile, key)
    ranges = list(row_ranges(picture.width, picture.height))
    n_missing = 0
    if plain.nodata is not None:
        n_missing = sum(plain.n_missing(_crop(picture, rows)) for rows in ranges)

    def strip(rows: tuple[int, int]) -> Strip:
        return plain.strip(_crop(picture, rows))

    strips = as_made(strip, ranges, _TWO_CORES) if plain.how.apply else map(strip, ranges)
    notes += plain.notes(n_missing)
    return Decoded(picture.width, picture.height, iter(strips), notes=notes)


@dataclass(frozen=True, slots=True)
class PlainSamples:
    """How samples of at most 8 bits become sRGB.

    Parameters
    ----------
    mode : str
        Pillow's mode of the picture.
    how : Conversion
        What to do about the colour profile.
    key : ndarray, optional
        The one colour or gray that stands for transparent.
    nodata : float, optional
        The value that stands for "no value".
    is_signed : bool
    """

    mode: str
    how: Conversion
    key: Array | None
    nodata: float | None
    is_signed: bool

    @classmethod
    def of(
        cls, picture: PillowImage, profile: bytes | None, key: Array | None = None
    ) -> PlainSamples:
        """Those of a picture with this profile, which need not be loaded."""
        mode = picture.mode
        nodata = parse_nodata(_tag(picture, _NODATA)) if mode in ("L", "RGB") else None
        is_signed = mode == "L" and _tag(picture, _SAMPLE_FORMAT) == (2,)
        if is_signed and nodata is not None:  # Pillow takes -1 for 255
            nodata %= 256
        how = conversion(profile, _steps(mode)[-1])
        return cls(mode, how, key, nodata, is_signed)

    def notes(self, n_missing: int) -> tuple[str, ...]:
        """What is done to the values, one short line each.

        Parameters
        ----------
        n_missing : int
            Pixels of the whole picture without a value.
        """
        notes: list[str] = []
        if self.is_signed:
            notes.append("signed 8-bit, -128 to 127 shown as 0 to 255")
        if n_missing:
            pixels = "pixel without a value is" if n_missing == 1 else "pixels without a value are"
            notes.append(f"{n_missing:,} {pixels} left out")
        return (*notes, *filter(None, [self.how.note]))

    @property
    def changes_nothing(self) -> bool:
        """Whether the samples are sRGB already."""
        is_whole = self.key is None and self.nodata is None
        return self.mode == "RGB" and self.how.apply is None and is_whole

    def n_missing(self, strip: PillowImage) -> int:
        """How many pixels of a strip have no value."""
        return int(np.count_nonzero((_samples(strip) == self.nodata).all(axis=2)))

    def strip(self, stored: PillowImage) -> Strip:
        """A strip of the picture, as Pillow decodes it."""
        part = stored
        if self.is_signed:
            part = part.point([(level + 128) % 256 for level in range(256)])
        for mode in _steps(self.mode):
            part = part.convert(mode) if part.mode != mode else part
        alpha = np.asarray(part.getchannel("A")) if part.mode in ("LA", "RGBA") else None
        for value in (self.key, self.nodata):
            if value is not None:
                alpha = _hidden(alpha, (_samples(stored) != value).any(axis=2))
        color = self.how.apply(part) if self.how.apply else part
        if color.mode not in ("L", "RGB"):
            color = color.convert("L" if color.mode == "LA" else "RGB")
        return _samples(color), alpha


def _steps(mode: str) -> tuple[str, ...]:
    return _PLAIN_MODES.get(mode, (mode,))


def _crop(picture: PillowImage, rows: tuple[int, int]) -> PillowImage:
    return picture.crop((0, rows[0], picture.width, rows[1]))


def _samples(strip: PillowImage) -> Array:
    values = np.asarray(strip.convert("L") if strip.mode == "1" else strip)
    return values.reshape(strip.height, strip.width, -1)


def _key(picture: PillowImage) -> Array | None:
    """The one colour or gray that stands for transparent, as the file states it."""
    key = picture.info.get("transparency")
    if not isinstance(key, (int, tuple)):
        return None
    return np.atleast_1d(np.asarray(key, dtype=np.int64))
