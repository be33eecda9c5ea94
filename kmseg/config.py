"""What an operator sets in the environment, read once and handed on as values.

The page reads it when its server begins to serve: hosts such as Streamlit Community Cloud put their
secrets into the environment only then. The command line reads it when it starts. Nothing else in
the package looks at the environment.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kmseg.errors import KmsegError
from kmseg.picture.limits import MEGABYTES_SETTING, MEGAPIXELS_SETTING, SIDE_SETTING, Limits

MEGABYTE: Final = 1_000_000
_MOST_MEGABYTES: Final = 1_000_000
_MOST_SIDE: Final = 1_000_000
# Sources of "frame-ancestors" in Content Security Policy Level 3: schemes and hosts.
_FRAMER: Final = re.compile(
    r"'self'|https?:|(https?://)?(\*\.)?[\w-]+(\.[\w-]+)*(:(\d+|\*))?", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """An operator's settings.

    Attributes
    ----------
    limits : Limits
        The largest picture that is read.
    session_upload_bytes, all_upload_bytes : int
        The most bytes of uploaded files that are kept: for one session, and for all sessions.
    pixel_cache_bytes : int
        The most bytes of decoded pixels that are cached, over all sessions.
    result_cache_bytes : int
        The most bytes of histograms, segmentations and previews that are cached, over all sessions.
    frame_ancestors : str
        The sites that may show the page in a frame, as in the directive ``frame-ancestors`` of a
        Content Security Policy; "" for all.
    """

    limits: Limits = field(default_factory=Limits)
    session_upload_bytes: int = 100 * MEGABYTE
    all_upload_bytes: int = 400 * MEGABYTE
    pixel_cache_bytes: int = 160 * MEGABYTE
    result_cache_bytes: int = 640 * MEGABYTE
    frame_ancestors: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Config:
        """Read the settings; a variable that is missing or blank keeps its default.

        Raises
        ------
        KmsegError
            A variable has a value that is not allowed; the message is one sentence.
        """
        default = cls()
        limits = _limits(environment)
        # Where only the size of a file is raised, there is room for one such file.
        session_upload_bytes = _megabytes(
            environment,
            "KMSEG_SESSION_UPLOADS_MB",
            max(default.session_upload_bytes, limits.max_bytes + MEGABYTE),
        )
        return cls(
            limits=limits,
            session_upload_bytes=session_upload_bytes,
            all_upload_bytes=_megabytes(
                environment,
                "KMSEG_ALL_UPLOADS_MB",
                max(default.all_upload_bytes, limits.max_bytes + MEGABYTE),
            ),
            pixel_cache_bytes=_megabytes(environment, "KMSEG_PIXELS_MB", default.pixel_cache_bytes),
            result_cache_bytes=_megabytes(
                environment, "KMSEG_CACHE_MB", default.result_cache_bytes
            ),
            frame_ancestors=_frame_ancestors(environment),
        )


def _megabytes(
    environment: Mapping[str, str], variable: str, default: int, unit: int = MEGABYTE
) -> int:
    text = environment.get(variable, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text[:20]) <= _MOST_MEGABYTES:
        raise KmsegError(
            f"{variable} must be a whole number of megabytes from 1 to {_MOST_MEGABYTES:,}, not "
            f"{text[:40]!r}; correct or unset it."
        )
    return int(text) * unit


def _frame_ancestors(environment: Mapping[str, str]) -> str:
    variable = "KMSEG_FRAME_ANCESTORS"
    sources = environment.get(variable, "").split()
    wrong = [source for source in sources if not _FRAMER.fullmatch(source)]
    if wrong and sources != ["'none'"]:
        raise KmsegError(
            f"{variable} must be 'none', or 'self' and sites such as https://lms.example.org, "
            f"separated by spaces, not {wrong[0][:40]!r}; correct or unset it."
        )
    return " ".join(sources)


def _limits(environment: Mapping[str, str]) -> Limits:
    variable, default = MEGAPIXELS_SETTING, Limits()
    # A file's megabytes are 2**20 bytes, as Streamlit counts those of an upload.
    n_bytes = _megabytes(environment, MEGABYTES_SETTING, default.max_bytes, 2**20)
    side = _side(environment, default.max_side)
    text = environment.get(variable, "").strip()
    if not text:
        return Limits(max_bytes=n_bytes, max_side=side)
    try:
        megapixels = float(text)
    except ValueError:
        megapixels = math.nan
    most = side**2 / 1e6
    if not 0 < megapixels <= most:
        raise KmsegError(
            f"{variable} must be a number of megapixels above 0 and up to {most:g}, the square of "
            f"{SIDE_SETTING}, not {text[:40]!r}; correct or unset it."
        )
    pixels = max(1, int(megapixels * 1e6))
    return Limits(max_pixels=pixels, max_side=side, max_bytes=n_bytes, max_decoded_bytes=8 * pixels)


def _side(environment: Mapping[str, str], default: int) -> int:
    text = environment.get(SIDE_SETTING, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text[:20]) <= _MOST_SIDE:
        raise KmsegError(
            f"{SIDE_SETTING} must be a whole number of pixels from 1 to {_MOST_SIDE:,}, not "
            f"{text[:40]!r}; correct or unset it."
        )
    return int(text)
