"""Everything kmseg raises on purpose: what was wrong, what is allowed, what to do.

Each message is one sentence or two that a visitor can act on. The edges of the program (command
line, page) catch :class:`KmsegError` and show its text; anything else is a bug and stays one.
"""

from __future__ import annotations


class KmsegError(Exception):
    """Base of every error that kmseg raises on purpose."""


class ImageError(KmsegError):
    """A picture cannot be read or used: the message says why and what would be accepted."""


class ReadTimeoutError(ImageError):
    """Reading a picture took too long or its worker died; it may succeed when tried again."""


class SettingsError(KmsegError, ValueError):
    """A setting is out of range or unknown: the message names it, its range and the value."""


class LabelsError(KmsegError):
    """Labels per pixel were asked of a segmentation that was made without pixels."""


class BusyError(KmsegError):
    """Too many wait for the machine already: the message says to try again."""
