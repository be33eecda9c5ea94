"""Starting centroids, and attempts on a summary of the samples, where an iteration is cheap.

A compiled loop makes all attempts of a thread in one call: threads that return to Python after each
attempt spend more time waiting for the GIL than working.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmseg.kmeans.cells import Cells, Integers, group
from kmseg.kmeans.filtering import assign
from kmseg.kmeans.problem import Samples
from kmseg.parallel.compiled import compiled, inlined

# Samples of the coarse and of the fine summary: per cluster, and at most. The genetic search begins
# on the coarse one. The scatter within cells must be small against the inertia, which falls as K
# grows. With half as many fine samples, the inertia of photographs at K = 32 was 0.1 % higher.
_SIZES: Final = (250, 8000), (700, 24_000)
# Iterations on a summary end when no centroid moves by more than this fraction of the samples'
# extent, or after _MAX_ITER iterations. Iterations over all samples follow.
_TOLERANCE: Final = 1e-4
_MAX_ITER: Final = 10
# Centroids move this many times as far as to the means of their clusters, but not in the last
# iteration: over-relaxation (Xiao 2010, "Over-relaxation Lloyd method for computing centroidal
# Voronoi tessellations"), with which fewer iterations are enough.
_STRETCH: Final = 2.0
# The fields of Cells that a summary has with single precision.
_SINGLE: Final = ("X", "weights", "boxes", "block_boxes")

Singles = NDArray[np.float32]


class Summary(NamedTuple):
    """Two small samples that stand for all: one to search on, and a finer one.

    They are stored with single precision, which doubles the samples in a vector instruction: in
    units of ``scale``, around ``origin``.

    Attributes
    ----------
    coarse, fine : Cells
        Weighted means of cells, or of the octants of cells where their scatter is large; or all
        samples, where they are few. Weights sum to 1.
    origin : ndarray, shape (W,)
    scale : float
    """

    coarse: Cells
    fine: Cells
    origin: Samples
    scale: float

    def reduced(self, centroids: Samples) -> Singles:
        """Centroids (A, K, W) in the units of the summary."""
        return ((centroids - self.origin) / self.scale).astype(np.float32)

    def restored(self, centroids: Singles) -> Samples:
        """The inverse of :meth:`reduced`."""
        return self.origin + self.scale * centroids.astype(np.float64)


def summary(cells: Cells, n_clusters: int) -> Summary:
    """Summarise cells by their means, those of large scatter by the means of their octants.

    If that is too few, octants are divided again. All samples are taken if they are few.
    """
    low, high = cells.block_boxes[:, 0].min(axis=0), cells.block_boxes[:, 1].max(axis=0)
    origin, scale = (low + high) / 2, cells.extent or 1.0
    sizes = tuple(min(per * n_clusters, most) for per, most in _SIZES)
    # Cells are divided in this order; each octant that is occupied adds at most 7 means.
    order = np.argsort(-cells.scatter, kind="stable")[: max(0, sizes[1] - len(cells.masses)) // 6]
    divided = _Divided(order, *_divide(cells, order, cells.columns))

    def few(size: int) -> Cells:
        means, masses = cells.X.T, cells.weights
        if len(masses) > size and len(cells.masses) >= 4 * n_clusters:
            means, masses = _means(cells, divided, size)
        means = (means - origin) / scale
        found = group(means, masses / masses.sum(), cell_bits=9, block_bits=3)
        singles = {name: getattr(found, name).astype(np.float32) for name in _SINGLE}
        return found._replace(**singles)

    return Summary(few(sizes[0]), few(sizes[1]), origin, scale)


class _Divided(NamedTuple):
    """The octants of n cells, and the octants of these octants.

    Attributes
    ----------
    cells : ndarray of int64, shape (n,)
    octant_sums, octant_masses : ndarray, shapes (n, 8, W), (n, 8)
        Weighted sums and weights.
    sums, masses : ndarray, shapes (n, 8, 8, W), (n, 8, 8)
    n_octants, n_parts : ndarray of int64, shape (n,)
        How many are occupied.
    """

    cells: Integers
    octant_sums: Samples
    octant_masses: Samples
    sums: Samples
    masses: Samples
    n_octants: Integers
    n_parts: Integers


def _means(cells: Cells, divided: _Divided, size: int) -> tuple[Samples, Samples]:
    """Means and weights of cells and of parts of cells, about ``size`` of them at most."""
    n_split = min(max(0, size - len(cells.masses)) // 6, len(divided.cells))
    left = size - len(cells.masses) + n_split - divided.n_octants[:n_split].sum()
    more = np.cumsum(divided.n_parts[:n_split] - divided.n_octants[:n_split])
    n_again = np.searchsorted(more, left, side="right")
    whole = np.ones(len(cells.masses), np.bool_)
    whole[divided.cells[:n_split]] = False
    chosen = [(cells.sums[whole], cells.masses[whole])]
    for sums, masses in (
        (divided.sums[:n_again], divided.masses[:n_again]),
        (divided.octant_sums[n_again:n_split], divided.octant_masses[n_again:n_split]),
    ):
        occupied = masses > 0
        chosen.append((sums[occupied], masses[occupied]))
    all_sums, all_masses = map(np.concatenate, zip(*chosen, strict=True))
    return all_sums / all_masses[:, None], all_masses


@compiled()
def _divide(cells, split, columns):  # type: ignore[no-untyped-def]
    """The fields of :class:`_Divided` but the first; octants are by the first three columns."""
    n, width = len(split), len(columns)
    octant_sums, octant_masses = np.zeros((n, 8, width)), np.zeros((n, 8))
    sums, masses = np.zeros((n, 8, 8, width)), np.zeros((n, 8, 8))
    n_octants, n_parts = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for number in range(n):
        cell = split[number]
        for i in range(cells.starts[cell], cells.starts[cell + 1]):
            octant, part = 0, 0
            for d in range(3):
                low, high = cells.boxes[cell, 0, d], cells.boxes[cell, 1, d]
                middle = 0.5 * (low + high)
                above = cells.X[d, i] > middle
                octant += above << d
                middle = 0.5 * (middle + (high if above else low))
                part += (cells.X[d, i] > middle) << d
            n_octants[number] += octant_masses[number, octant] == 0
            n_parts[number] += masses[number, octant, part] == 0
            weight = cells.weights[i]
            octant_masses[number, octant] += weight
            masses[number, octant, part] += weight
            for d in range(width):
                octant_sums[number, octant, d] += weight * cells.X[d, i]
                sums[number, octant, part, d] += weight * cells.X[d, i]
    return octant_sums, octant_masses, sums, masses, n_octants, n_parts


def attempts(few: Summary, n_clusters: int, init: str, seed: int, numbers: range) -> Samples:
    """Draw seeds and iterate from them over the summary; returns centroids, shape (A, K, W).

    Parameters
    ----------
    few : Summary
    n_clusters : int
    init : {"k-means++", "random"}
        Greedy k-means++, each seed the best of 2 + ln K candidates (Arthur & Vassilvitskii 2007,
        section 2.2 and conclusion; the number is scikit-learn's), or draws by weight.
    seed : int
    numbers : range
        The A attempts to make; each has its own random numbers.
    """
    generators = [np.random.default_rng([seed, number]) for number in numbers]
    if init == "random":
        # The K least of exponential variables, with the weights as rates, are K draws by weight
        # without replacement (Efraimidis & Spirakis 2006, Information Processing Letters 97(5)).
        weights = few.coarse.weights
        keys = np.array([rng.exponential(size=len(weights)) / weights for rng in generators])
        chosen = np.argsort(keys, axis=1)[:, :n_clusters]
        starts = few.coarse.X.T[chosen].astype(np.float32)
    else:
        shape = (n_clusters, 2 + int(math.log(n_clusters)))
        starts = plus_plus(few.coarse, np.array([rng.random(shape) for rng in generators]))
    return few.restored(_iterated(few, starts))


def plus_plus(cells: Cells, draws: Samples) -> Singles:
    """Seeds by greedy k-means++, shape (A, K, W), from random numbers ``draws``, (A, K, C).

    The numbers are uniform in [0, 1): C candidates for each seed, of which one is kept.
    """
    chosen = np.zeros(draws.shape[:2], np.int64)
    _plus_plus(cells.X, cells.weights, draws, chosen, cells.columns)
    return cells.X.T[chosen].astype(np.float32)


def refined(few: Summary, centroids: Samples) -> Samples:
    """Centroids (A, K, W) after Lloyd's iterations over the fine summary."""
    return few.restored(_iterated(few, few.reduced(centroids)))


def _iterated(few: Summary, starts: Singles) -> Singles:
    centroids = np.array(starts, order="C")
    _iterate_all(few.fine, centroids, few.fine.columns)
    return centroids


@compiled()
def _iterate_all(cells, all_centroids, columns):  # type: ignore[no-untyped-def]
    mass = np.empty(all_centroids.shape[1])
    for attempt in range(len(all_centroids)):
        iterate(cells, all_centroids[attempt], mass, _MAX_ITER, columns)


@inlined()
def iterate(cells, centroids, mass, max_iter, columns):  # type: ignore[no-untyped-def]
    """Lloyd's iteration, in place; returns the inertia. An empty cluster keeps its centroid.

    ``mass`` receives the weights of the clusters. They and the inertia are those of the last
    assignment; the inertia is that about the means of its clusters.
    """
    first, n_blocks, no_labels = np.int64(0), len(cells.blocks) - 1, np.empty(0, np.int32)
    inertia = np.inf
    for iteration in range(max_iter):
        stretch, move = _STRETCH if iteration < max_iter - 1 else 1.0, 0.0
        sums, found, inertia, _ = assign(cells, centroids, 0.0, first, n_blocks, no_labels, columns)
        mass[:] = found
        for k in range(len(centroids)):
            if found[k] > 0:
                moved = 0.0
                for d in range(len(columns)):
                    step = sums[k, d] / found[k] - centroids[k, d]
                    moved += step * step
                    centroids[k, d] += stretch * step
                inertia -= found[k] * moved
                move = max(move, moved)
        if move <= _TOLERANCE * _TOLERANCE:
            break
    return inertia


@compiled()
def _plus_plus(X, weights, draws, chosen, columns):  # type: ignore[no-untyped-def]
    """Greedy k-means++: ``chosen`` (A, K) receives samples; see :func:`plus_plus`."""
    closest = np.empty(len(weights), X.dtype)
    for attempt in range(len(chosen)):
        closest[:] = 1
        chosen[attempt, 0] = draw(X, weights, closest, draws[attempt, 0, :1], columns)
        closest[:] = np.inf
        _approach(X, closest, chosen[attempt, 0], closest, weights, columns)
        for k in range(1, chosen.shape[1]):
            chosen[attempt, k] = draw(X, weights, closest, draws[attempt, k], columns)
            _approach(X, closest, chosen[attempt, k], closest, weights, columns)


@inlined()
def draw(X, weights, closest, uniforms, columns):  # type: ignore[no-untyped-def]
    """Draw a sample by weight times ``closest``, its squared distance to the nearest centroid.

    There is a candidate for each uniform number. The one that would lower the sum most is returned.
    """
    cumulative, total = np.empty(len(weights)), 0.0
    for i in range(np.uint64(len(weights))):
        total += weights[i] * closest[i]
        cumulative[i] = total
    chosen, least, trial = 0, np.inf, np.empty(len(weights), X.dtype)
    for number in range(len(uniforms)):
        index = np.searchsorted(cumulative, uniforms[number] * total, side="right")
        index = min(index, len(weights) - 1)
        potential = least
        if len(uniforms) > 1:
            potential = _approach(X, closest, index, trial, weights, columns)
        if number == 0 or potential < least:
            chosen, least = index, potential
    return chosen


@inlined(fastmath={"reassoc"})
def _approach(X, closest, index, result, weights, columns):  # type: ignore[no-untyped-def]
    """The lesser of ``closest`` and squared distances to one sample; returns their weighted sum."""
    total = X.dtype.type(0)
    for i in range(np.uint64(len(weights))):
        difference = X[0, i] - X[0, index]
        distance = difference * difference
        for d in range(1, len(columns)):
            difference = X[d, i] - X[d, index]
            distance += difference * difference
        result[i] = distance if distance < closest[i] else closest[i]
        total += weights[i] * result[i]
    return total
