"""Words and Markdown that several parts of the page share."""

from __future__ import annotations

import re


def count(number: int, noun: str) -> str:
    """A number with its noun, such as "1 cluster" or "12,000 colours"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def plain(text: str) -> str:
    """Untrusted text as Markdown without any markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|~$:" else c for c in text)


def names(text: str) -> str:
    """Markdown in which the asterisk of names such as L* is no markup."""
    return re.sub(r"(?<=\w)\*(?!\*)", r"\\*", text)
