"""The view "Pins": segmentations that a visitor keeps, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from kmseg.color import COLOR_SPACES
from kmseg.errors import KmsegError
from kmseg.kmeans.engines import DEFAULT_ENGINE, ENGINES
from kmseg.output import captions
from kmseg.samples import SAMPLES
from kmseg.settings import LINK_VERSION, Settings, to_hex
from kmseg.ui import failures, presets, store, text
from kmseg.ui.components.assets import media_url
from kmseg.ui.components.compare.compare import ComparePane, compare
from kmseg.ui.picture_names import picture_name
from kmseg.ui.pins import MAX_CHARACTERS, MAX_PINS, Pin, spelled_pins
from kmseg.ui.session import Key, session
from kmseg.ui.views.view import Option, Place, View, ViewContext, choose

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kmseg.comparison import Agreement
    from kmseg.segmentation import Segmentation

PAINT: Final = Option(
    "pins_paint",
    {
        "own": "Own colours",
        "matched": "Colours of the first",
        "differing": "Differences from the first",
    },
)
# K of the first article's pictures, and the spaces of "Six colour spaces".
ARTICLE_KS: Final = (4, 6, 10)
SPACES: Final = ("rgb", "hsv", "hsv-circular", "ycrcb", "cielab", "oklab")
N_SEEDS: Final = 6

HELP: Final = """
Clusters are matched one to one, so that as many pixels as possible are in matched clusters (the
Hungarian method). **Agree**: the share of all pixels in matched clusters. **Adjusted Rand index**:
1 if both partitions are equal, about 0 if they are independent (Hubert and Arabie, 1985).
"""
EMPTY: Final = (
    "Nothing is pinned yet. **Pin** keeps what is on the page: its picture, settings and merges. "
    "Or compare a set at once:"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A pin with its picture and segmentation."""

    pin: Pin
    picture: store.Picture
    seg: Segmentation


def show(context: ViewContext) -> None:
    """Draw the pins, the choice of a set, and the figure."""
    if not session.pins:
        st.caption(EMPTY)
        _sets(context)
        return
    with st.spinner("Segmenting…", show_time=True):
        found = [_found(context, pin) for pin in session.pins]
    shown = [each for each in found if each is not None]
    first = shown[0] if shown else None
    titles = _titles(session.pins)
    agreements = [_agreement(first, each) for each in found]
    paint = "own"
    if any(each is not None and each is not first for each in found):
        paint = choose("Colours of the clusters", PAINT.titles, PAINT.name)
    compare(
        [
            _pane(number, title, pin, each, first, agreement, paint)
            for number, (title, pin, each, agreement) in enumerate(
                zip(titles, session.pins, found, agreements, strict=True), start=1
            )
        ],
        _remove,
        _make_first,
        key=Key.PINS,
    )
    st.caption(f"{len(session.pins)} of at most {MAX_PINS} pins. They are in the link.", help=HELP)
    _table([(each, agreement) for each, agreement in zip(found, agreements, strict=True) if each])
    with st.container(horizontal=True):
        if shown:
            _figure(shown)
        st.button("Remove all pins", on_click=partial(_set, ()))
    st.caption("Or replace them by a set:")
    _sets(context)


# -- pins ------------------------------------------------------------------------------------------


def pin_of(picture: store.Picture, wanted: Settings) -> Pin:
    """A pin of what is on the page."""
    return Pin(picture_name(picture.key), picture.reading, wanted, session.merges)


def button(picture: store.Picture, wanted: Settings) -> None:
    """Draw the button that pins what is on the page."""
    pin = pin_of(picture, wanted)
    is_pinned = pin in session.pins
    st.button(
        "Pinned" if is_pinned else "Pin",
        key="pin",
        icon=":material/keep:",
        disabled=is_pinned,
        on_click=partial(_add, pin),
        help="Keeps this segmentation for Compare, and in the link.",
    )


def _add(pin: Pin) -> None:
    """Add a pin if there is room."""
    pins = tuple(dict.fromkeys((*session.pins, pin)))
    if len(pins) > MAX_PINS:
        session.failures["Pin"] = KmsegError(
            f"At most {MAX_PINS} segmentations can be pinned: remove one in Compare first."
        )
    elif len(spelled_pins(pins)) > MAX_CHARACTERS:
        session.failures["Pin"] = KmsegError(
            "The pins do not fit into a link any more: remove one in Compare first."
        )
    else:
        session.pins = pins


def _set(pins: tuple[Pin, ...]) -> None:
    session.pins = pins


def _index(event: str) -> int | None:
    index = session.event(Key.PINS, event)
    return index if isinstance(index, int) and 0 <= index < len(session.pins) else None


def _remove() -> None:
    if (index := _index("removed")) is not None:
        session.pins = session.pins[:index] + session.pins[index + 1 :]


def _make_first() -> None:
    if (index := _index("first")) is not None:
        pins = session.pins
        session.pins = pins[index], *pins[:index], *pins[index + 1 :]


def _found(context: ViewContext, pin: Pin) -> _Shown | None:
    """The pin's picture and segmentation; None if the session lacks the picture."""
    picture = context.find(pin.picture, pin.reading)
    if picture is None:
        return None
    settings = presets.within_reach(pin.settings, picture.width, picture.height)
    seg = store.segmentation(picture, settings)
    merges = tuple(g for g in pin.merges if max(g) < seg.n_clusters)
    return _Shown(pin, picture, store.tidied(picture, seg.merged(merges), settings))


def _agreement(first: _Shown | None, other: _Shown | None) -> Agreement | None:
    """How far a pin agrees with the first; None for itself, and for other pixels."""
    if first is None or other is None or other is first:
        return None
    same = (first.pin.picture, first.pin.reading) == (other.pin.picture, other.pin.reading)
    return store.agreement(first.picture, first.seg, other.seg) if same else None


# -- drawing ---------------------------------------------------------------------------------------


def _titles(pins: Sequence[Pin]) -> list[str]:
    """A title for each pin, of what is different among them."""
    parts = [
        (
            _picture_title(pin.picture),
            COLOR_SPACES[pin.settings.color_space].title,
            f"channels {', '.join(pin.settings.channel_names)}",
            f"K = {pin.settings.n_clusters}",
            ENGINES[pin.settings.engine].title.partition(",")[0],
            {"manual": "own colours"}.get(pin.settings.init, pin.settings.init),
            f"seed {pin.settings.seed}",
            ", ".join(captions.tidying(pin.settings)) or "not tidied",
        )
        for pin in pins
    ]
    spaces = {pin.settings.color_space for pin in pins}
    different = [
        len(set(values)) > 1 and not (at == 2 and len(spaces) > 1)
        for at, values in enumerate(zip(*parts, strict=True))
    ]
    if not any(different):
        different[1] = different[3] = True
    return [
        f"{number} · "
        + ", ".join(part for part, shown in zip(each, different, strict=True) if shown)
        for number, each in enumerate(parts, start=1)
    ]


def _picture_title(name: str) -> str:
    return SAMPLES[name].title if name in SAMPLES else "own picture"


def _pane(
    number: int,
    title: str,
    pin: Pin,
    shown: _Shown | None,
    first: _Shown | None,
    agreement: Agreement | None,
    paint: str,
) -> ComparePane:
    query = {"v": LINK_VERSION} | pin.to_query() | {"pins": spelled_pins(session.pins)}
    if shown is None:
        return ComparePane(
            title=title,
            lines=[captions.short(pin.settings, pin.settings.n_clusters)],
            image="",
            width=3,
            height=2,
            full_width=3,
            colors=(),
            shares=(),
            query=query,
        )
    seg, picture = shown.seg, shown.picture
    colors = seg.palette
    image: bytes | None = None
    if agreement is not None and first is not None:
        if paint == "matched":
            colors = _matched(first.seg, seg, agreement)
        elif paint == "differing":
            image = store.differences(picture, first.seg, seg, agreement)
    image = store.pane(picture, seg, colors) if image is None else image
    width, height = store.preview_size(picture, seg)
    return ComparePane(
        title=title,
        lines=_lines(shown, agreement),
        image=media_url(image, "image/png", f"pin {number}"),
        width=width,
        height=height,
        full_width=store.size(picture, seg)[0],
        colors=[to_hex(color) for color in colors],
        shares=seg.shares.tolist(),
        query=query,
    )


def _matched(first: Segmentation, second: Segmentation, found: Agreement) -> NDArray[np.uint8]:
    """The colours of the first's clusters for those of the second that correspond to them."""
    colors = second.palette.copy()
    partner = found.first_of_second
    colors[partner >= 0] = first.palette[partner[partner >= 0]]
    return colors


def _lines(shown: _Shown, agreement: Agreement | None) -> list[str]:
    seg, pin = shown.seg, shown.pin
    width = seg.settings.width
    engine = ENGINES[seg.settings.engine]
    parts = [
        shown.picture.name,
        captions.short(seg.settings, seg.n_clusters).partition(" · ")[0],
        "" if engine.name == DEFAULT_ENGINE else engine.title,
        f"{width} pixels wide" if width != pin.settings.width else "",
        f"inertia {text.power(seg.inertia)}",
    ]
    lines = [" · ".join(filter(None, parts))]
    if agreement is not None:
        lines.append(
            f"{text.percent(agreement.share)} agree with the first · "
            f"adjusted Rand index {agreement.adjusted_rand:.3f}"
        )
    return lines


def _table(shown: list[tuple[_Shown, Agreement | None]]) -> None:
    """The shares of the first's clusters beside those of the clusters that match them."""
    if len(shown) < 2:
        return
    first = shown[0][0]
    columns: dict[str, list[str]] = {"Cluster": first.seg.names}
    for number, (each, found) in enumerate(shown, start=1):
        if each is first:
            partner = list(range(first.seg.n_clusters))
        elif found is not None:
            partner = found.second_of_first.tolist()
        else:
            continue
        columns[f"{number}: share"] = [
            text.percent(each.seg.shares[at]) if at >= 0 else "no match" for at in partner
        ]
    if len(columns) > 2:
        with st.expander("Shares of matched clusters"):
            st.table(columns)


# -- sets and figure -------------------------------------------------------------------------------


def _sets(context: ViewContext) -> None:
    pin = pin_of(context.picture, context.wanted)
    base = replace(pin, merges=())
    plain = replace(base.settings, init="k-means++", centroids=())

    def pins(settings: Iterable[Settings]) -> tuple[Pin, ...]:
        return tuple(replace(base, settings=each) for each in settings)

    lloyd = replace(plain, engine="lloyd", init="random", attempts=1)
    sets: dict[str, tuple[Pin, ...]] = {
        "K = 4, 6, 10": pins(replace(plain, n_clusters=k) for k in ARTICLE_KS),
        "Six seeds of plain Lloyd": pins(replace(lloyd, seed=seed) for seed in range(N_SEEDS)),
        "Six colour spaces": pins(
            replace(plain, color_space=space, channels="all") for space in SPACES
        ),
        "Three engines": pins(
            replace(plain, engine=engine) for engine in ("exact", "opencv", "scikit-learn")
        ),
    }
    with st.container(horizontal=True):
        for title, chosen in sets.items():
            st.button(title, on_click=partial(_set, chosen), key=f"set {title}")


def _figure(shown: list[_Shown]) -> None:
    """The button that downloads the figure."""
    entries = [(each.picture, each.seg) for each in shown]
    st.download_button(
        "Figure for print (PNG)",
        failures.in_download(partial(store.grid_figure, entries), "figure of pins"),
        "kmseg_pins.png",
        "image/png",
        on_click="ignore",
        icon=":material/image:",
    )


VIEW: Final = View(key="pins", title="Pins", place=Place.COMPARE, show=show, options=(PAINT,))
