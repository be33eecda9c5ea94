"""Standard input, output and error in a pipeline."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Final

# Exit status after a closed pipe: what shells report for a program that SIGPIPE ended.
CLOSED_PIPE: Final = 141


def accept_all_text() -> None:
    """Escape on standard output and error what their encoding cannot hold, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def note(message: str) -> None:
    """Print one line on standard error."""
    if sys.stderr is not None:
        print("kmseg:", " ".join(message.split()), file=sys.stderr)


def flush_output() -> None:
    """Write what is buffered for standard output; raises ``OSError`` if that fails."""
    if sys.stdout is not None:
        sys.stdout.flush()


def abandon_output() -> None:
    """Drop what is buffered for standard output, which Python would try to write at its end."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def quoted(path: str | os.PathLike[str]) -> str:
    """A path for a message: one printable line of at most some 80 characters."""
    text = os.fspath(path)
    return repr(text if len(text) <= 80 else f"{text[:40]}...{text[-37:]}")
