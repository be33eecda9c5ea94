"""A picture's metadata in a worker's answer: encoded as JSON, and validated on receipt."""

from __future__ import annotations

import math
from typing import Final, cast, get_args

from kmseg.picture.image import Image
from kmseg.picture.levels import Scale
from kmseg.picture.survey import Kind, Samples
from kmseg.picture.wire import ProtocolError

# "scale" is empty, or [black, white, bits, white_is_zero]; "kind" is the kind of its samples.
IMAGE: Final = {
    "width": int,
    "height": int,
    "masked": bool,
    "notes": list,
    "scale": list,
    "kind": str,
    "pixels_per_mm": float,
}
_MOST_NOTES, _LONGEST_NOTE = 8, 200


def describe(image: Image) -> dict[str, object]:
    """The object that goes before a picture's pixels and its alpha."""
    values: list[float] = []
    kind = ""
    if image.scale is not None:
        samples, kind = image.scale.samples, image.scale.samples.kind
        values = [image.scale.low, image.scale.high, samples.bits, int(samples.white_is_zero)]
    return {
        "width": image.width,
        "height": image.height,
        "masked": image.alpha is not None,
        "notes": list(image.notes),
        "scale": values,
        "kind": kind,
        "pixels_per_mm": float(image.pixels_per_mm),
    }


def notes(head: dict[str, object]) -> tuple[str, ...]:
    """The notes of a received object; raises ``ProtocolError``."""
    given = head["notes"]
    if not isinstance(given, list) or len(given) > _MOST_NOTES:
        raise ProtocolError("too many notes")
    for note in given:
        if not isinstance(note, str) or len(note) > _LONGEST_NOTE or not note.isprintable():
            raise ProtocolError("a note that cannot be shown")
    return tuple(given)


def pixels_per_mm(head: dict[str, object]) -> float:
    """The stated scale of a received object, 0 for none; raises ``ProtocolError``."""
    value = head["pixels_per_mm"]
    if not isinstance(value, float) or not 0 <= value < math.inf:
        raise ProtocolError("pixels per mm that are no length")
    return value


def scale(head: dict[str, object]) -> Scale | None:
    """The scale of a received object; raises ``ProtocolError``."""
    numbers, kind = head["scale"], head["kind"]
    if not numbers:
        return None
    if not isinstance(numbers, list) or not all(type(n) in (int, float) for n in numbers):
        raise ProtocolError("a scale that is no numbers")
    if len(numbers) != 4 or kind not in get_args(Kind):
        raise ProtocolError("a scale of another kind")
    try:
        low, high, bits, white_is_zero = (float(number) for number in numbers)
    except OverflowError as error:
        raise ProtocolError("a scale of long numbers") from error
    if not 0 < high - low < math.inf or not 8 <= bits <= 64:
        raise ProtocolError("a scale without a range")
    samples = Samples(cast(Kind, kind), int(bits), white_is_zero=bool(white_is_zero))
    return Scale(samples, low, high)
