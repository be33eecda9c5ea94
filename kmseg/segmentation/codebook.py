"""``Codebook``: the clusters of one picture, to be carried over to others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.color import features
from kmseg.errors import SettingsError, shown
from kmseg.histogram import ColorHistogram
from kmseg.kmeans.cells import group
from kmseg.kmeans.filtering import label
from kmseg.picture.image import Image
from kmseg.picture.levels import Scale
from kmseg.picture.reading import Reading, parse_levels
from kmseg.segmentation.jsonvalues import (
    MAX_CLUSTERS,
    Groups,
    parse_colours,
    parse_groups,
    parse_numbers,
)
from kmseg.settings import FIELDS, RANGES, Settings, to_hex
from kmseg.settings.channels import parse_channels

if TYPE_CHECKING:
    from kmseg.segmentation.result import Segmentation

# The coordinates of every colour space lie well within this distance of 0.
MAX_COORDINATE: Final = 1000.0
_MAX_WEIGHT: Final = 1e15


@dataclass(frozen=True, eq=False)
class Codebook:
    """Centroids with the number and colour of their clusters.

    Parameters
    ----------
    space : str
        Key of the colour space.
    channels : str
        Its channels that are compared, as in ``Settings.channels``.
    centroids : array_like of float, shape (K, D)
        In the coordinates of these channels, each from -1,000 to 1,000; K is 1 to 255.
    colours : ndarray of uint8, shape (C, 3)
        sRGB colour of each of the C clusters; C is K unless clusters were merged.
    levels : pair of float, optional
        The values (low, high) of a file of more than 8 bits that were read as black and white.
        Other pictures of the series should be read with the same: ``Reading(levels=levels)``. None
        for 8 bits, and for colour that was read by its bit depth.
    merges : tuple of tuple of int, optional
        For each cluster, the centroids that it is made of, numbered from 0; empty if each cluster
        has one centroid.
    weights : array_like of float, shape (K,), optional
        Pixels of each centroid in the picture that it was fitted to, above 0: merged clusters have
        the weighted mean of their centroids and colours. If empty, all are 1.

    Raises
    ------
    SettingsError
        Names the field, what is allowed and what was given.
    """

    space: str
    channels: str
    centroids: NDArray[np.float64]
    colours: NDArray[np.uint8]
    levels: tuple[float, float] | None = None
    merges: Groups = ()
    weights: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        space, channels = canonical(self.space, self.channels)
        object.__setattr__(self, "space", space)
        object.__setattr__(self, "channels", channels)
        n_columns = len(self.coordinate_names)
        centroids = _floats(self.centroids)
        n_centroids = len(centroids) if centroids.ndim == 2 else 0
        if not 1 <= n_centroids <= MAX_CLUSTERS or centroids.shape[1] != n_columns:
            raise SettingsError(
                f"centroids: must be 1 to {MAX_CLUSTERS} rows of {n_columns} numbers, one for each "
                f"of {', '.join(self.coordinate_names)}, not an array of shape {centroids.shape}"
            )
        if not (np.abs(centroids) <= MAX_COORDINATE).all():
            wrong = centroids[~(np.abs(centroids) <= MAX_COORDINATE)][0]
            raise SettingsError(
                f"centroids: must be numbers from -{MAX_COORDINATE:,.0f} to "
                f"{MAX_COORDINATE:,.0f}, not {wrong:g}"
            )
        object.__setattr__(self, "centroids", _read_only(centroids))
        weights = _floats(self.weights) if len(self.weights) else np.ones(n_centroids)
        if weights.shape != (n_centroids,) or not ((weights > 0) & (weights <= _MAX_WEIGHT)).all():
            raise SettingsError(
                f"weights: must be {n_centroids} numbers above 0, up to {_MAX_WEIGHT:g}, not "
                f"{shown(weights.tolist())}"
            )
        object.__setattr__(self, "weights", _read_only(weights))
        self._check_clusters(n_centroids)
        if self.levels is not None:
            levels = parse_levels(self.levels)
            object.__setattr__(self, "levels", None if isinstance(levels, str) else levels)

    def _check_clusters(self, n_centroids: int) -> None:
        """Check merges and colours."""
        every = sorted(centroid for members in self.merges for centroid in members)
        if self.merges and (every != list(range(n_centroids)) or not all(self.merges)):
            raise SettingsError(
                f"merges: must have each of the {n_centroids} centroids in one cluster, not "
                f"{shown(self.merges)}"
            )
        colours = np.asarray(self.colours)
        expected = len(self.merges) or n_centroids, 3
        if colours.dtype != np.uint8 or colours.shape != expected:
            raise SettingsError(
                f"colours: must be an array of uint8 of shape {expected}, a colour for each "
                f"cluster, not {colours.dtype} of shape {colours.shape}"
            )
        object.__setattr__(self, "colours", _read_only(colours))

    @classmethod
    def of_colours(cls, colours: NDArray[np.uint8], space: str, channels: str) -> Codebook:
        """The codebook of colours (K, 3) that are centroids; raises ``SettingsError``."""
        space, channels = canonical(space, channels)
        return cls(space, channels, features(colours, space, channels), colours)

    @property
    def n_clusters(self) -> int:
        """C, the number of clusters."""
        return len(self.colours)

    @property
    def members(self) -> Groups:
        """For each cluster, its centroids, numbered from 0."""
        return self.merges or tuple((centroid,) for centroid in range(len(self.centroids)))

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        """Names of the D coordinates."""
        return Settings(color_space=self.space, channels=self.channels).coordinate_names

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that differ for different codebooks."""
        return hashlib.sha256(repr(self.to_dict()).encode()).hexdigest()[:8]

    @cached_property
    def cluster_centroids(self) -> NDArray[np.float64]:
        """The centroid of each cluster, shape (C, D): the weighted mean of its members."""
        return self.centroids if not self.merges else self._means(self.centroids, self.merges)

    def settings(self, width: int = 0) -> Settings:
        """Settings with this colour space, channels and number of clusters, at least 2.

        The other settings, which are those of a fit, have their defaults.
        """
        return Settings(
            color_space=self.space,
            channels=self.channels,
            n_clusters=max(self.n_clusters, RANGES["n_clusters"][0]),
            width=width,
        )

    def merged(
        self, sets: Sequence[Sequence[int]], colours: NDArray[np.uint8] | None = None
    ) -> Codebook:
        """Clusters taken together.

        Parameters
        ----------
        sets : sequence of sequences of int
            The clusters of each new cluster, numbered from 0; each is in one of them.
        colours : ndarray of uint8, shape (C, 3), optional
            The colours of the new clusters; by default the weighted means of the old ones.
        """
        members = tuple(
            tuple(sorted(member for cluster in each for member in self.members[cluster]))
            for each in sets
        )
        if colours is None:
            by_centroid = np.empty((len(self.centroids), 3))
            for own, colour in zip(self.members, self.colours, strict=True):
                by_centroid[list(own)] = colour
            colours = np.rint(self._means(by_centroid, members)).astype(np.uint8)
        return replace(self, colours=colours, merges=_merges(members))

    def _means(self, values: NDArray[np.float64], groups: Groups) -> NDArray[np.float64]:
        return np.array(
            [np.average(values[list(g)], axis=0, weights=self.weights[list(g)]) for g in groups]
        )

    def assign(
        self, histogram: ColorHistogram, samples: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.int32], float]:
        """The nearest centroid of each colour, of equally near ones the first.

        Parameters
        ----------
        histogram : ColorHistogram
            Of U colours.
        samples : ndarray of float64, shape (U, D), optional
            Their coordinates, if they are known already.

        Returns
        -------
        ndarray of int32, shape (U,)
            Numbers of centroids, from 0.
        float
            The inertia: the sum over pixels of the squared distance to their centroid.
        """
        if samples is None:
            samples = features(histogram.colors, self.space, self.channels)
        cells = group(np.require(samples, np.float64, ("F", "W")), histogram.counts.astype(float))
        return label(cells, cells.widened(self.centroids))

    def predict(
        self,
        source: Image | ColorHistogram,
        *,
        width: int = 0,
        histogram: ColorHistogram | None = None,
        coordinates: NDArray[np.float64] | None = None,
    ) -> Segmentation:
        """Carry the clusters over to another picture: each pixel goes to its nearest centroid.

        Parameters
        ----------
        source : Image or ColorHistogram
            A histogram is taken as it is (``width`` does not apply) and has no labels.
        width : int
            The width in pixels to which the picture is resized first; 0 keeps its size.
        histogram, coordinates
            As in :func:`kmseg.segment`.

        Returns
        -------
        Segmentation
            ``carried`` is true. Its clusters have the numbers and colours of this codebook on
            every picture, so they are not sorted by size, and some may have no pixels. ``inertia``
            is that of the codebook's centroids. No fit was made: ``attempts`` is empty, ``n_iter``
            and ``converged`` are None.

        Raises
        ------
        ImageError
            If ``width`` makes the picture larger than pictures may be.
        """
        from kmseg.segmentation.carry import carried_over

        return carried_over(self, source, width, histogram, coordinates)

    def to_dict(self) -> dict[str, Any]:
        """The codebook as a JSON object, exactly; centroids are numbered from 1."""
        return {
            "space": self.space,
            "channels": self.channels,
            "centroids": self.centroids.tolist(),
            "colours": [to_hex(colour) for colour in self.colours],
            "levels": None if self.levels is None else list(self.levels),
            "members": [[centroid + 1 for centroid in own] for own in self.members],
            "weights": self.weights.tolist(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Codebook:
        """The inverse of :meth:`to_dict`, for values that anybody may have written.

        Raises
        ------
        SettingsError
            A value is missing or not allowed.
        """
        names = ("space", "channels", "centroids", "colours", "levels", "members", "weights")
        if missing := [name for name in names if name not in values]:
            raise SettingsError(f"codebook: must have {', '.join(names)}, not without {missing[0]}")
        members = parse_groups("members", values["members"])
        return cls(
            space=values["space"],
            channels=values["channels"],
            centroids=parse_numbers("centroids", values["centroids"], 2),
            colours=parse_colours("colours", values["colours"]),
            levels=values["levels"],
            merges=_merges(members),
            weights=parse_numbers("weights", values["weights"], 1),
        )


def _merges(members: Groups) -> Groups:
    """The members of each cluster; empty if each has the centroid of its number."""
    return () if members == tuple((centroid,) for centroid in range(len(members))) else members


def canonical(space: object, channels: object) -> tuple[str, str]:
    """The key of a colour space and its channels as ``Settings`` has them, or ``SettingsError``."""
    key: str = replace(FIELDS["color_space"], name="space").parse(space)
    return key, parse_channels(channels, key)


def levels_of(scale: Scale | None, reading: Reading) -> tuple[float, float] | None:
    """The ``levels`` of a codebook of a picture with this ``Image.scale`` and ``Image.reading``."""
    if scale is not None:
        return scale.low, scale.high
    return None if isinstance(reading.levels, str) else reading.levels


def _floats(values: Any) -> NDArray[np.float64]:
    return np.array(values, np.float64, order="C")


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
