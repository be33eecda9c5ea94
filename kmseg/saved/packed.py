"""Codebooks as short texts, for links. Anybody may have written such a text."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from typing import Final

from kmseg.errors import SavedFileError, shown
from kmseg.saved.content import MAX_BYTES, parse_json
from kmseg.segmentation import Codebook

_BASE64: Final = re.compile(r"[A-Za-z0-9_-]+")


def packed(codebook: Codebook) -> str:
    """A codebook as compressed JSON in base64 for addresses; it is exact.

    Eight clusters of three coordinates take about 600 characters.
    """
    text = json.dumps(codebook.to_dict(), allow_nan=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpacked(text: str) -> Codebook:
    """The inverse of :func:`packed`.

    Raises
    ------
    SavedFileError
        The text is damaged, or more than 256 KB when it is decompressed.
    SettingsError
        A value of the codebook is missing or not allowed.
    """
    if not _BASE64.fullmatch(text):
        raise SavedFileError(f"must be base64, not {shown(text)}")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        inflate = zlib.decompressobj()
        content = inflate.decompress(data, MAX_BYTES)
    except (binascii.Error, zlib.error) as error:
        raise SavedFileError(f"is damaged ({error})") from error
    if not inflate.eof:
        raise SavedFileError(f"must be whole, and have at most {MAX_BYTES:,} bytes")
    try:
        values = parse_json(content.decode())
    except UnicodeDecodeError as error:
        raise SavedFileError("must be text in UTF-8") from error
    if not isinstance(values, dict):
        raise SavedFileError("must be a JSON object")
    return Codebook.from_dict(values)
