"""Names of pictures in links."""

from __future__ import annotations

import re
from typing import Final

from kmseg.samples import SAMPLES

UPLOAD: Final = "upload"


def picture_name(key: str) -> str:
    """A picture's name in a link: a sample's key, or an upload's name."""
    return key if key in SAMPLES else upload_name(key)


def upload_name(key: str) -> str:
    """A link's name for an uploaded picture, with a prefix of its digest."""
    return f"{UPLOAD}-{key[:8]}"


def is_upload(name: str, key: str) -> bool:
    """Whether a link's name matches the uploaded picture with this key; "upload" matches any."""
    return name in (UPLOAD, upload_name(key))


def is_upload_name(name: str) -> bool:
    """Whether a link's name is that of an uploaded picture."""
    return re.fullmatch(rf"{UPLOAD}(-[0-9a-f]{{8}})?", name) is not None
