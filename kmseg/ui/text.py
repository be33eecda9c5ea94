"""Formatting of numbers, words and Markdown for the page."""

from __future__ import annotations

import re
from typing import Final

_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def count(number: int, noun: str) -> str:
    """A number with its noun, such as "1 cluster" or "12,000 colours"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share of 0 to 1 in percent, such as "42.8%"; the same as ``percent`` in JavaScript."""
    return f"{share:.1%}"


def power(value: float) -> str:
    """A number with three significant digits, such as "0.0123" or "3.74 × 10⁸".

    Numbers from a thousand to a million are whole, with commas: "12,345". No line breaks within.
    """
    if 999.5 <= abs(value) < 1e6:
        return f"{value:,.0f}"
    digits, _, exponent = f"{value:.3g}".partition("e")
    if not exponent:
        return digits
    return f"{digits}{_NO_BREAK}×{_NO_BREAK}10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def plain(text: str) -> str:
    """Untrusted text as Markdown without any markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|~$:" else c for c in text)


def names(text: str) -> str:
    """Markdown in which names such as L* have no markup and "K = 6" stays on one line."""
    whole = re.sub(r"\bK = (?=\d)", f"K{_NO_BREAK}={_NO_BREAK}", text)
    return re.sub(r"(?<=\w)\*(?!\*)", r"\\*", whole)
