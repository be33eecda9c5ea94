"""Commands as text to paste into a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final, Literal

Shell = Literal["posix", "cmd"]

# The interpreter of the virtual environment in a clone of the repository.
_PYTHON: Final[dict[Shell, str]] = {
    "posix": ".venv/bin/python",
    "cmd": r".venv\Scripts\python",
}
# Words that neither cmd.exe nor PowerShell reads as anything but text.
_PLAIN: Final = re.compile(r"[\w./\\:+=-]+", re.ASCII)
_CMD_SPECIAL: Final = re.compile(r'([()%!^"<>&|])')


def command(arguments: Sequence[str], shell: Shell) -> str:
    """The command that calls the virtual environment's Python with these arguments."""
    words = [_PYTHON[shell], *arguments]
    return shlex.join(words) if shell == "posix" else " ".join(map(_cmd_word, words))


def _cmd_word(word: str) -> str:
    """A word for ``cmd.exe`` and for the C runtime, which splits the line into arguments.

    Double quotes keep all characters from ``cmd.exe`` but ``%`` and double quotes themselves. With
    one of these in a word, each special character has a caret before it instead, quotes included.
    """
    if _PLAIN.fullmatch(word):
        return word
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', word)  # backslashes before a quote are doubled
    quoted = '"' + re.sub(r"(\\+)$", r"\1\1", escaped) + '"'
    return _CMD_SPECIAL.sub(r"^\1", quoted) if "%" in word or '"' in word else quoted
