"""Description of an input format: its header fields and its registry entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from kmseg.errors import ImageError
from kmseg.picture.limits import Limits
from kmseg.picture.strips import Decoded

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image as PillowImage

    Samples = npt.NDArray[np.int64]

# The most chunks, blocks or segments that a parser visits: a 50 MiB GIF made of full blocks
# (255 bytes, GIF89a section 15) has 205,000.
MAX_STEPS: Final = 300_000
# More frames than this are not counted.
MAX_FRAMES: Final = 10_000
# The most bytes that one byte of DEFLATE data can expand to: zlib.net/zlib_tech.html.
DEFLATE_RATIO: Final = 1032


@dataclass(frozen=True, slots=True)
class Header:
    """The first picture's properties as the file states them; formats may add fields in a subclass.

    Parameters
    ----------
    format : str
        The name of a :class:`Format` in the registry.
    width, height : int
        As stored, before the picture is turned upright.
    samples, bits : int
        Samples per pixel, and bits per sample.
    white_is_zero : bool
        Gray samples count down from white.
    """

    format: str
    width: int
    height: int
    samples: int = 3
    bits: int = 8
    white_is_zero: bool = False


HeaderT = TypeVar("HeaderT", bound=Header)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format(Generic[HeaderT]):
    """An input format. The optional fields are for formats that deviate from Pillow's defaults.

    Parameters
    ----------
    name : str
        As messages show it.
    extensions : tuple of str
        Usual extensions of file names, in lower case without the dot, for file dialogs. The format
        of a file is determined by its content alone.
    recognises : callable
        Whether a file, given as bytes, is of this format; it looks at the first bytes only.
    parse : callable
        File and limits to :class:`Header`. It runs before any decoder, bounds every loop, and
        refuses a file that is too large, too short for what it claims, or costly to decode. It may
        let ``struct.error``, ``IndexError`` and ``OverflowError`` escape where data is missing.
    plugin : str, optional
        The module that registers the format with Pillow; for every format that Pillow decodes.
    pillow_name : str, optional
        What Pillow calls the format; goes with ``plugin``.
    pillow_aliases : tuple of str
        Other formats that Pillow may report for such a file.
    own_decoder : callable, optional
        File and header to :class:`Decoded`, or None for a file that Pillow shall decode.
    prepare_pillow : callable, optional
        Called before Pillow decodes such a file.
    is_complete : callable, optional
        Whether the file (bytes, header, picture decoded by Pillow) really holds all rows; for a
        format where Pillow accepts data that ends early.
    transparent_samples : callable, optional
        Converts the samples of the transparent colour that Pillow states (an integer array, with
        the picture's mode and the header) to the values that Pillow decodes them to.
    zero_alpha_is_opaque : bool
        A picture whose alpha is 0 everywhere has no alpha.
    pillow_turns_upright : bool
        Pillow applies the orientation itself, and reports the size after that.
    frames : callable, optional
        Walks over the frames of a file, given as bytes, with bounded loops, and yields something
        for each; None for a format of one picture.
    frame_word : {"frame", "page"}
        What a frame is called. Pages do not depend on each other.
    first_frame_only : bool
        Frames behind the first are not checked, and so not read.
    parse_frame : callable, optional
        File, limits and frame, from 0, to the decoder's number of that frame and its header, where
        frames have headers of their own.
    mend : callable, optional
        A file that Pillow could not decode to one without the damage, or None.
    only_apart : bool
        Decoded in a worker process alone, also on the command line.
    listed : bool
        Whether messages name it among the formats that are read.
    """

    name: str
    extensions: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    parse: Callable[[bytes, Limits], HeaderT]
    plugin: str = ""
    pillow_name: str = ""
    pillow_aliases: tuple[str, ...] = ()
    own_decoder: Callable[[bytes, HeaderT], Decoded | None] | None = None
    prepare_pillow: Callable[[], None] | None = None
    is_complete: Callable[[bytes, HeaderT, PillowImage], bool] | None = None
    transparent_samples: Callable[[Samples, str, HeaderT], Samples] | None = None
    zero_alpha_is_opaque: bool = False
    pillow_turns_upright: bool = False
    frames: Callable[[bytes], Iterator[object]] | None = None
    frame_word: str = "frame"
    first_frame_only: bool = False
    parse_frame: Callable[[bytes, Limits, int], tuple[int, HeaderT]] | None = None
    mend: Callable[[bytes], bytes | None] | None = None
    only_apart: bool = False
    listed: bool = True


def refusal(name: str, what: str) -> ImageError:
    """The error for a file that claims to be of the format `name`, but cannot be read as such."""
    return ImageError(f"This {name} file {what}; try another copy of it, or save it again.")
