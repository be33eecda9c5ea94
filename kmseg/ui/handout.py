"""The part of a link that makes it a lesson: texts, and which controls of the page are hidden."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kmseg.settings import shown

# Most characters of each text. The longest lesson still fits a link of a few thousand characters.
LIMITS: Final = {"title": 80, "text": 600, "question": 300, "answer": 600}


@dataclass(frozen=True, slots=True)
class Hideable:
    """A control, or a group of them.

    Attributes
    ----------
    title : str
        Its name on the page.
    style : str
        CSS that hides it. Rules do not apply within components, which have shadow roots, so the
        components' style sheets read the custom properties that are set here.
    """

    title: str
    style: str


def _hidden(*selectors: str) -> str:
    return f"{', '.join(selectors)} {{ display: none; }}"


def _in(region: str, part: str) -> str:
    return f".st-key-{region} {{ --{part}: none; }}"


HIDEABLE: Final[dict[str, Hideable]] = {
    "samples": Hideable(
        "Sample pictures", _in("strip", "samples") + " :root { --strip-height: 0.5rem; }"
    ),
    "places": Hideable("Other views", _hidden(".st-key-places")),
    "k": Hideable("K", _in("stage", "k")),
    "space": Hideable("Colour space", _in("stage", "space")),
    "looks": Hideable("Layout, paint and zoom", _in("stage", "looks")),
    "shares": Hideable("Shares of the clusters", _in("stage", "swatches")),
    "summary": Hideable("Inertia and summary", _hidden(".st-key-summary")),
    "settings": Hideable(
        "Settings at the side",
        _hidden("[data-testid=stSidebar]", "[data-testid=stExpandSidebarButton]"),
    ),
}
"""Controls by their names in a link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handout:
    """Texts on the page's lesson card, and what is hidden meanwhile.

    A link may contain them, so they come from strangers. They are plain text and bounded, and only
    the card shows them.

    Attributes
    ----------
    title, text, question, answer : str
        At most :data:`LIMITS` characters each. Line breaks are kept; other control characters are
        not allowed.
    hide : tuple of str
        Keys of :data:`HIDEABLE`, in the order there.
    """

    title: str = ""
    text: str = ""
    question: str = ""
    answer: str = ""
    hide: tuple[str, ...] = ()

    @property
    def has_text(self) -> bool:
        """Whether there is anything to read."""
        return any(getattr(self, name) for name in LIMITS)

    def to_query(self) -> dict[str, str]:
        """The part of a link's query: only values that are not empty."""
        values = {name: getattr(self, name) for name in LIMITS} | {"hide": ".".join(self.hide)}
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Handout, list[str]]:
        """Parse a link's part.

        Returns
        -------
        Handout
        list of str
            A sentence, without its full stop, for each value that was corrected: long texts are
            cut, control characters are removed, unknown names of hidden controls are left out.
        """
        texts, corrections = {}, []
        for name, limit in LIMITS.items():
            given = query.get(name, "")
            text = _cleaned(given)
            if len(text) > limit:
                corrections.append(
                    f"{name}: must have at most {limit} characters, not {len(text):,}; it is cut"
                )
                text = text[:limit].rstrip()
            elif text != given:
                corrections.append(
                    f"{name}: must be plain text without control characters; they are left out"
                )
            texts[name] = text
        named = set(filter(None, query.get("hide", "").split(".")))
        hide = tuple(name for name in HIDEABLE if name in named)
        if named - set(hide):
            corrections.append(
                f"hide: must be names such as places.k, from {', '.join(HIDEABLE)}, not "
                f"{shown(query['hide'])}; the others are left out"
            )
        return cls(**texts, hide=hide), corrections


# Bidirectional classes of characters that force a direction on the text around them.
_FORCING: Final = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def _cleaned(text: str) -> str:
    """A text without control characters, except line breaks, and without space around it."""

    def is_kept(c: str) -> bool:
        if unicodedata.category(c) in ("Cc", "Cs"):
            return c == "\n"
        return unicodedata.bidirectional(c) not in _FORCING

    return "".join(filter(is_kept, text)).strip()


def style(names: Iterable[str]) -> str:
    """CSS that hides controls.

    Parameters
    ----------
    names : iterable of str
        Keys of :data:`HIDEABLE`.
    """
    return "\n".join(HIDEABLE[name].style for name in names)
