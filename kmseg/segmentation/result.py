"""``Segmentation``: the result, with labels, counts and colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import LabelsError, SettingsError
from kmseg.histogram import ColorHistogram
from kmseg.labeling import NO_CLUSTER, Labeling, PixelGrid
from kmseg.picture.image import Image
from kmseg.picture.origin import Origin
from kmseg.regions.measure import Regions, measure
from kmseg.segmentation.codebook import Codebook, levels_of
from kmseg.settings import Settings


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A picture's colours in clusters. Cluster 0 has the most pixels, and so on down.

    Only clusters that were carried over from another picture, by :meth:`Codebook.predict`, keep
    their numbers instead; some of them may have no pixels.

    Attributes
    ----------
    settings : Settings
        As they were asked for.
    image : Image or None
        The picture that was clustered, after ``settings.width``; None if colours were given.
    histogram : ColorHistogram
        Its U colours.
    clusters : Codebook
        Centroids and colours of the clusters; :attr:`codebook` has the picture's levels too.
    pixel_counts : ndarray of int64, shape (K,)
        Descending unless ``carried``; they sum to the number of opaque pixels.
    color_sums : ndarray of float64, shape (K, 3)
        Sum of the sRGB colours of each cluster's pixels.
    inertia : float
        Sum over opaque pixels of the squared distance to the nearest of ``clusters.centroids``.
    n_iter, converged, attempts, global_optimum
        As in :class:`kmseg.kmeans.Clustering`; if ``carried``, None, None, empty and False.
    labeling : ByColor or ByPixel
        The cluster of each pixel.
    constant_channels : tuple of str
        Clustered channels that have one value in the whole picture.
    seconds : dict of str to float
        Time taken by each step.
    carried : bool
        Whether the clusters are those of another picture or of a palette: no fit was made.
    untidied : Segmentation or None
        The segmentation that was tidied to make this one; None if it was not tidied.
    gray_ends : ndarray of intp, shape (2, K), or None
        The least and the greatest level of each cluster's pixels, for tidied gray pictures of more
        than 8 bits; otherwise ``color_labels`` tells them.
    origin : Origin or None
        What was read; None if colours were given.
    """

    settings: Settings
    image: Image | None
    histogram: ColorHistogram
    clusters: Codebook
    pixel_counts: NDArray[np.int64]
    color_sums: NDArray[np.float64]
    inertia: float
    n_iter: int | None
    converged: bool | None
    attempts: tuple[float, ...]
    global_optimum: bool
    labeling: Labeling
    constant_channels: tuple[str, ...]
    seconds: dict[str, float]
    carried: bool = False
    untidied: Segmentation | None = None
    gray_ends: NDArray[np.intp] | None = None
    origin: Origin | None = None

    def __post_init__(self) -> None:
        if self.image is not None:
            object.__setattr__(self, "origin", Origin.of(self.image))

    @property
    def codebook(self) -> Codebook:
        """What other pictures need to have the same clusters: see :meth:`Codebook.predict`.

        Without ``origin``, its ``levels`` are None unless the clusters were carried over.
        """
        if self.carried or self.origin is None:
            return self.clusters
        return replace(self.clusters, levels=levels_of(self.origin.scale, self.origin.reading))

    def predict(self, image: Image) -> Segmentation:
        """Carry the clusters over to another picture, at its own size: ``codebook.predict``."""
        return self.codebook.predict(image)

    @property
    def centroids(self) -> NDArray[np.float64]:
        """In the feature space that was clustered, ``settings.coordinate_names``; (K, D)."""
        return self.clusters.cluster_centroids

    @property
    def palette(self) -> NDArray[np.uint8]:
        """The sRGB colour of each cluster, shape (K, 3).

        It is the mean of the cluster's pixels, in the picture that the clusters were fitted to.
        """
        return self.clusters.colours

    @property
    def merges(self) -> tuple[tuple[int, ...], ...]:
        """Empty, or ``members`` of a segmentation made by :meth:`merged`."""
        return self.clusters.merges

    @property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """For each cluster, which of those that k-means found it is made of, numbered from 0."""
        return self.clusters.members

    @property
    def names(self) -> list[str]:
        """What each cluster is called: its number from 1, or those of its members, "1+3"."""
        return ["+".join(str(cluster + 1) for cluster in group) for group in self.members]

    @property
    def numbers(self) -> list[int]:
        """The number of each cluster in files: that of its first member, from 1.

        So a cluster keeps its number when others are merged.
        """
        return [group[0] + 1 for group in self.members]

    def rows_of(self, members: Iterable[int]) -> list[int]:
        """The clusters, numbered as in ``labels``, that have any of these ``members``."""
        wanted = set(members)
        return [row for row, own in enumerate(self.members) if wanted.intersection(own)]

    def in_members(self, labels: NDArray[np.int16]) -> NDArray[np.int16]:
        """Labels with the first of its ``members`` in place of each cluster; -1 stays."""
        return np.array([*(own[0] for own in self.members), NO_CLUSTER], np.int16)[labels]

    def merged(self, groups: Iterable[Iterable[int]]) -> Segmentation:
        """Clusters of this segmentation taken together; the inertia stays that of the clustering.

        Parameters
        ----------
        groups : iterable of iterables of int
            Disjoint sets of clusters, numbered from 0. Clusters that are in none stay as they are.

        Returns
        -------
        Segmentation
            Its clusters are ordered by pixel count again, or, if they were carried over, by the
            numbers of their first members; ``members`` tells what they were. If this segmentation
            was tidied, clusters are merged as they were before, and the result is tidied.

        Raises
        ------
        SettingsError
            If a cluster does not exist or is in two groups.
        LabelsError
            If the result has to be tidied without ``image``.
        """
        together = [sorted(set(group)) for group in groups]
        taken = [cluster for group in together for cluster in group]
        if len(taken) != len(set(taken)) or not set(taken) <= set(range(self.n_clusters)):
            raise SettingsError(
                f"merge: disjoint sets of the clusters 1 to {self.n_clusters}, not "
                + ", ".join("+".join(str(cluster + 1) for cluster in group) for group in together)
            )
        if not taken:
            return self
        if self.untidied is not None:
            members = [sum((self.members[row] for row in group), ()) for group in together]
            merged = self.untidied.merged(map(self.untidied.rows_of, members))
            return merged.tidied(self.settings.smallest_region, self.settings.fill_holes)
        rest = [[cluster] for cluster in range(self.n_clusters) if cluster not in taken]
        sets = [group for group in together if group] + rest
        by_size = not self.carried
        sets.sort(key=lambda group: (-self.pixel_counts[group].sum() * by_size, group))
        new = np.empty(self.n_clusters, np.int16)
        for number, group in enumerate(sets):
            new[group] = number
        counts = np.array([self.pixel_counts[group].sum() for group in sets])
        sums = np.array([self.color_sums[group].sum(axis=0) for group in sets])
        colours = None if self.carried else mean_colors(counts, sums)
        return replace(
            self,
            clusters=self.clusters.merged(sets, colours),
            pixel_counts=counts,
            color_sums=sums,
            labeling=self.labeling.renumbered(new),
        )

    def tidied(
        self, smallest_region: int | str = 0, fill_holes: Sequence[int] | str = ()
    ) -> Segmentation:
        """Small regions go to their neighbours, then holes are filled: see ``kmseg.regions.tidy``.

        Inertia, attempts and iterations stay those of the clustering; labels, ``pixel_counts`` and
        ``palette`` change, and clusters are ordered by pixel count again, unless they were carried
        over. Each keeps its number in ``names`` and ``members``. A cluster that loses all its
        pixels becomes a member of the cluster that takes most of them. ``color_labels`` stay those
        before tidying.

        Parameters
        ----------
        smallest_region : int or str
            The smallest region that is kept, in pixels, or as a share of the clustered pixels such
            as ``"0.05%"``; 0 keeps all.
        fill_holes : sequence of int
            Clusters whose holes are filled, numbered from 1 as in ``names``. Numbers of no cluster
            have no effect.

        Returns
        -------
        Segmentation
            Always made from ``untidied``, so these values replace those of an earlier call.

        Raises
        ------
        SettingsError
            If a value is not allowed.
        LabelsError
            If there are no pixels, as for ``labels``.
        """
        from kmseg.segmentation.tidy import tidied

        base = self.untidied or self
        how = {"smallest_region": smallest_region, "fill_holes": fill_holes}
        return tidied(base, replace(base.settings, **how))  # type: ignore[arg-type]

    @property
    def n_clusters(self) -> int:
        """K as found: at most what was asked for; no cluster is empty unless ``carried``."""
        return len(self.pixel_counts)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Each cluster's part of the opaque pixels, shape (K,); sums to 1."""
        shares: NDArray[np.float64] = self.pixel_counts / self.pixel_counts.sum()
        return shares

    @property
    def color_labels(self) -> NDArray[np.int16]:
        """Cluster of each colour of the histogram, shape (U,)."""
        return self.labeling.by_color

    @cached_property
    def labels(self) -> NDArray[np.int16]:
        """Cluster of each pixel, shape (H, W): numbered as all clusters; -1 is transparent.

        These are indices into ``palette``, ``centroids`` and the other arrays. Tables, names and
        files number clusters from 1, see ``numbers``; in label pictures 0 is no cluster. Unless
        clusters were merged or tidied, ``labels + 1`` are the pixel values of a label picture.

        Raises
        ------
        LabelsError
            If the segmentation was made from a ``ColorHistogram``.
        """
        return self.labels_at(slice(None), slice(None))

    def labels_at(
        self, rows: slice | NDArray[np.intp], columns: slice | NDArray[np.intp]
    ) -> NDArray[np.int16]:
        """``labels[rows][:, columns]`` without computing the others; raises as ``labels`` does."""
        if self.image is None:
            raise LabelsError(
                "labels: a segmentation of a ColorHistogram has colours but no pixels; "
                "pass the Image to kmseg.segment to have labels"
            )
        return self.labeling.at(self.image, rows, columns)

    def labels_on(self, grid: PixelGrid) -> NDArray[np.int16]:
        """Cluster of each of a grid's pixels, shape (h, w); needs no ``image``."""
        return self.labeling.on(grid)

    def regions(self) -> Regions:
        """Find and measure the connected components of ``labels``; raises as ``labels`` does."""
        labels = self.labels
        assert self.image is not None
        return measure(labels, self.image.pixels)


def mean_colors(counts: NDArray[np.int64], sums: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The mean colours of clusters, rounded, shape (K, 3)."""
    return np.rint(sums / counts[:, None]).astype(np.uint8)
