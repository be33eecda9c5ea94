"""The state of a visitor's session, with a type and a default for each value.

Only this module uses ``st.session_state``. A widget's value is kept under the widget's key, which
is a member of :class:`Key`, the name of a setting, or the name of an option that a view declares.
Any other value is kept under the name of its attribute of :class:`Session`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast
from uuid import uuid4

import streamlit as st

from kmseg.color import COLOR_SPACES
from kmseg.errors import KmsegError
from kmseg.kmeans.engines import DEFAULT_ENGINE
from kmseg.picture.probe import DEFAULT_READING
from kmseg.picture.reading import Reading
from kmseg.settings import FIELDS, TIDYING, Settings, to_hex
from kmseg.ui.handout import Handout
from kmseg.ui.pins import Pin
from kmseg.ui.records import ClusterState, FileRequest, Groups, Refusal, RegionRequest

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

T = TypeVar("T")


class Key(StrEnum):
    """Keys of the page's widgets, except those of settings: see :func:`setting_key`."""

    FRAME = "frame"
    LEVEL_RULE = "level_rule"
    LEVEL_LOW = "level_low"
    LEVEL_HIGH = "level_high"
    UPLOADS = "uploads"
    CAMERA_ON = "camera_on"
    CAMERA = "camera"
    START_SLOT = "start_slot"
    PLACE = "place"
    PART = "part"
    VIEWER = "viewer"
    ALBUM = "album"
    STEPS = "steps"
    OBJECTS = "objects"
    ATTEMPTS = "attempt tiles"
    BAD_START = "bad start"
    PINS = "pinned"
    PICTURES = "carried over"
    CODEBOOK = "codebook"
    SETTINGS_FILE = "settings file"


class _Value(Generic[T]):
    """An attribute of :class:`Session`, kept in ``st.session_state`` under its own name."""

    def __init__(self, default: T) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.key = name

    def __get__(self, instance: object, owner: type) -> T:
        return cast("T", st.session_state.get(self.key, self.default))

    def __set__(self, instance: object, value: T) -> None:
        st.session_state[self.key] = value


class Session:
    """The state of one session. Every attribute has its default until it is set.

    A widget's value can only be set before the run draws the widget, or in a callback.

    Attributes
    ----------
    restored : bool
        Whether the widgets were set from the address.
    drawn : bool
        Whether a run has drawn the whole page since then, and since a picture was missing.
    picture : str
        A sample's key, or the digest of an upload. For a missing upload, its name in the link, such
        as "upload-1a2b3c4d".
    previous_picture : str
        The picture that was chosen in the previous run.
    own_files : dict of str to str
        Uploaded pictures in the previous run, oldest first: digest by the upload's id. A file that
        was uploaded twice has two entries.
    removed_files : frozenset of str
        Ids of uploads that were removed from the server; the widget still names them.
    refused : dict of str to Refusal
        Refused uploads by id, until they are dismissed.
    returning : frozenset of str
        Digests of pictures that the browser is restoring; they are not chosen on arrival.
    camera_on : bool
        Widget: whether the camera field is shown.
    photo : str
        Digest of the photo that the camera field holds; empty if it holds none.
    readings : dict of str to Reading
        How pictures are read, by picture; others have the default reading.
    linked_reading : Reading or None
        A link's reading of an upload that this session lacks, applied to the next upload.
    frame : int
        Widget: the frame or page, numbered from 1.
    level_rule : str
        Widget: "auto", "stored" or "range".
    level_low, level_high : float
        Widgets: the file's values that become black and white.
    color_space : str
        The setting of this name, chosen in the viewer.
    n_clusters : int
        Likewise.
    init, engine : str
        Widgets: the settings of these names.
    start_slot : int
        Widget: number, from 1, of the starting colour set by the next click on the original.
    view : str
        Key of the open view.
    place, part : str
        Widgets: the open view's place, and the view's key if the place has several views.
    last_views : dict of str to str
        Key of the view that was open last in each place.
    merges : tuple of tuple of int
        Groups of clusters that are merged, numbered from 0.
    focus : tuple of int
        Clusters in focus, numbered from 0, as the browser last reported them.
    start : str
        Where the run begins that is stepped through, see :meth:`kmseg.ui.records.Start.parse`.
    next_start : str
        Likewise, of the segmentation that the next run shows.
    scale : str
        Pixels per mm as in a link; empty if they are not known.
    handout : Handout
        Texts of the link, and what is hidden.
    lesson : str
        Position in the lessons, see :class:`kmseg.ui.lessons.Position`; its texts replace those of
        the card. Empty without a lesson.
    pins : tuple of Pin
        Segmentations that are kept for comparison, at most six.
    kept : str
        Clusters that are kept to be carried over, as :func:`kmseg.saved.packed` writes them.
    attempts_paused : bool
        Whether the visitor has stopped the attempts that are made in idle time.
    bad_start_of : object
        Picture and settings for which a bad start is wanted; None if none is.
    segmentation : str
        The segmentation that merges, focus and start belong to, as :func:`kmseg.ui.link.address`
        names it; empty before the first one.
    left : dict of str to ClusterState
        Merges and focus of other segmentations, by the same names, most recent last.
    corrections : tuple of str
        Sentences about invalid values in the address.
    corrected_query : dict of str to str, or None
        The link for which the corrections were first shown.
    region : RegionRequest or None
        The viewer's last request for a region.
    file : FileRequest or None
        The viewer's request for a file that has not been sent yet.
    written : dict of str to str, or None
        The last link that was put into the address bar.
    shown : tuple of (str, Reading, Settings), or None
        Picture, reading and settings of the segmentation last sent to the viewer. None before the
        first one: until then, the controls are drawn first.
    answers : int
        Number of the viewer's last action that was handled.
    objects_answers : int
        Number of the last action of the list of objects that was handled.
    sent : object
        Data last sent to the viewer; None before the first message.
    """

    restored = _Value(False)
    drawn = _Value(False)
    picture = _Value("")
    previous_picture = _Value("")
    own_files: _Value[dict[str, str]] = _Value({})
    removed_files: _Value[frozenset[str]] = _Value(frozenset())
    refused: _Value[dict[str, Refusal]] = _Value({})
    returning: _Value[frozenset[str]] = _Value(frozenset())
    camera_on = _Value(False)
    photo = _Value("")
    readings: _Value[dict[str, Reading]] = _Value({})
    linked_reading: _Value[Reading | None] = _Value(None)
    frame = _Value(1)
    level_rule = _Value("auto")
    level_low = _Value(0.0)
    level_high = _Value(0.0)
    color_space = _Value("")
    init = _Value("")
    engine = _Value("")
    n_clusters = _Value(0)
    start_slot = _Value(1)
    view = _Value("")
    place = _Value("")
    part = _Value("")
    last_views: _Value[dict[str, str]] = _Value({})
    merges: _Value[Groups] = _Value(())
    focus: _Value[tuple[int, ...]] = _Value(())
    start = _Value("")
    scale = _Value("")
    next_start = _Value("")
    handout = _Value(Handout())
    lesson = _Value("")
    pins: _Value[tuple[Pin, ...]] = _Value(())
    kept = _Value("")
    attempts_paused = _Value(False)
    bad_start_of: _Value[object] = _Value(None)
    segmentation = _Value("")
    left: _Value[dict[str, ClusterState]] = _Value({})
    corrections: _Value[tuple[str, ...]] = _Value(())
    corrected_query: _Value[dict[str, str] | None] = _Value(None)
    region: _Value[RegionRequest | None] = _Value(None)
    file: _Value[FileRequest | None] = _Value(None)
    written: _Value[dict[str, str] | None] = _Value(None)
    shown: _Value[tuple[str, Reading, Settings] | None] = _Value(None)
    answers = _Value(0)
    objects_answers = _Value(0)
    sent: _Value[object] = _Value(None)

    @property
    def failures(self) -> dict[str, KmsegError]:
        """Errors raised outside a run, by the name of the failed action; the next run shows them.

        It is the same dictionary for the whole session, so threads of downloads, which have no
        session state, may keep a reference to it.
        """
        return cast("dict[str, KmsegError]", st.session_state.setdefault("failures", {}))

    @property
    def visit(self) -> str:
        """An identifier of this session."""
        return cast("str", st.session_state.setdefault("visit", uuid4().hex))

    def option(self, name: str) -> str:
        """The value of a choice that is part of links, by its name there; empty if not set."""
        return cast("str", st.session_state.get(name) or "")

    def set_option(self, name: str, value: str) -> None:
        """Set a choice that is part of links."""
        st.session_state[name] = value

    def event(self, component: str, name: str) -> Any:
        """The value of a component's event in this run; None if there was no such event."""
        return getattr(st.session_state.get(component), name, None)

    def uploaded(self, key: str) -> UploadedFile | None:
        """The file in a file widget of one file."""
        return cast("UploadedFile | None", st.session_state.get(key))

    def reading(self, picture: str) -> Reading:
        """How a picture is read."""
        return self.readings.get(picture, DEFAULT_READING)

    def set_reading(self, picture: str, reading: Reading) -> None:
        """Read a picture in this way from the next run on."""
        self.readings = self.readings | {picture: reading}

    def correct(self, *sentences: str) -> None:
        """Report invalid values in the address, in sentences without their full stops.

        The first call in a run discards the sentences of earlier runs.
        """
        others = self.corrections if self.corrected_query is None else ()
        self.corrections = *others, *sentences
        self.corrected_query = None

    # -- settings ---------------------------------------------------------------------------------

    def set_settings(self, settings: Settings) -> None:
        """Set every control of the settings."""
        for name in _SETTING_KEYS:
            st.session_state[name] = getattr(settings, name)
        st.session_state[channels_key(settings.color_space)] = list(settings.channel_names)
        for index, color in enumerate(settings.centroids):
            self.set_start_color(index, to_hex(color))

    def set_tidying(self, settings: Settings) -> None:
        """Set only the settings that change labels after the clustering."""
        for name in TIDYING:
            st.session_state[setting_key(name)] = getattr(settings, name)

    def settings(self, **instead: Any) -> Settings:
        """The settings of the controls, with some values replaced.

        With a manual start, the starting colours of all clusters must be set.
        """
        values = {name: st.session_state[name] for name in _SETTING_KEYS} | instead
        names = COLOR_SPACES[values["color_space"]].channels
        chosen = [name for name in names if name in self._channels(values["color_space"])]
        if 0 < len(chosen) < len(names):
            values["channels"] = "".join(str(names.index(name)) for name in chosen)
        if values["init"] == "manual":
            values["centroids"] = tuple(self.start_color(i) for i in range(values["n_clusters"]))
        return Settings(**values)

    def _channels(self, color_space: str) -> list[str]:
        """Names of the chosen channels of a colour space; initially all."""
        every = list(COLOR_SPACES[color_space].channels)
        return cast("list[str]", st.session_state.setdefault(channels_key(color_space), every))

    def use_default_engine(self) -> None:
        """Choose the default engine, which is the fastest."""
        self.engine = DEFAULT_ENGINE

    def start_color(self, index: int) -> str | None:
        """The starting colour of a cluster, numbered from 0, as ``"#rrggbb"``; None if not set."""
        return cast("str | None", st.session_state.get(start_key(index)))

    def set_start_color(self, index: int, color: str) -> None:
        """Set the starting colour of a cluster, numbered from 0, to ``"#rrggbb"``."""
        st.session_state[start_key(index)] = color


session: Final = Session()

_SETTING_KEYS: Final = tuple(name for name in FIELDS if name not in ("channels", "centroids"))


def setting_key(name: str) -> str:
    """Key of the widget for a setting: the name of its field of :class:`Settings`.

    Raises
    ------
    KeyError
        No field has this name, or the field has several widgets.
    """
    if name not in _SETTING_KEYS:
        raise KeyError(f"{name!r} is none of {', '.join(_SETTING_KEYS)}")
    return name


def channels_key(color_space: str) -> str:
    """Key of the widget for a colour space's channels: each space has its own."""
    return f"channels_{color_space}"


def start_key(index: int) -> str:
    """Key of the widget for the starting colour of a cluster, numbered from 0."""
    return f"start_{index}"


def end_if_superseded() -> None:
    """Let Streamlit end this run if its session has ended or a control has changed since.

    Streamlit checks this whenever the session state is read.
    """
    st.session_state.get(Key.PLACE)
