"""Everything kmseg raises on purpose: what was wrong, what is allowed, what to do.

Each message is one or two sentences that a visitor can act on. The edges of the program (command
line, page) catch :class:`KmsegError` and show its text. Any other exception is a bug.
"""

from __future__ import annotations


class KmsegError(Exception):
    """Base of every error that kmseg raises on purpose."""

    transient = False
    """Whether the same request may succeed a moment later."""


class ImageError(KmsegError):
    """A picture cannot be read or used: the message says why and what would be accepted."""


class ReadTimeoutError(ImageError):
    """Reading a picture took too long or its worker died; it may succeed when tried again."""

    transient = True


class SettingsError(KmsegError, ValueError):
    """A setting is out of range or unknown: the message names it, its range and the value."""


class SavedFileError(KmsegError):
    """A file that should be saved settings or a palette cannot be used: the message says why."""


class ComparisonError(KmsegError):
    """Two segmentations are not of the same pixels: the message says what differs."""


class LabelsError(KmsegError):
    """A segmentation that was made without pixels was asked for the labels of pixels."""


class RegionsError(KmsegError):
    """There are too many regions to list or to save: the message says how to have fewer."""


class WorkerDiedError(KmsegError):
    """A worker process ended repeatedly with a picture: the message says what to do."""


class BusyError(KmsegError):
    """The queue for the machine is full: the message says to try again."""

    transient = True


def shown(value: object) -> str:
    """A given value for an error's message: one line of ASCII, at most 40 characters."""
    text = ascii(value)
    return text if len(text) <= 40 else text[:37] + "..."
