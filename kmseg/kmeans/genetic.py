"""A genetic search for centroids on a summary of the samples, from the results of attempts.

A child of several parents starts from all their centroids, each with the weight of its cluster. The
two whose merger raises the inertia least are merged until K are left (pairwise nearest neighbours;
Fränti 2000, "Genetic algorithm with deterministic crossover for vector quantization", Pattern
Recognition Letters 21). Where the parents agree, so does the child; where they differ, the merging
decides. In some children, one more pair is merged, and of some samples drawn as by k-means++ the
best becomes a centroid: a mutation. A few of Lloyd's iterations follow. The best of parents and
children are the next parents.

The children of a generation are shared out to threads, and one compiled call makes a thread's
share: threads that return to Python after each child spend more time waiting for the GIL than
working. The random numbers belong to the generation, so results do not depend on the threads.

What else was tried, as inertia over the least known, with 8 seeds each:

- Breathing k-means (Fritzke 2020, arXiv:2006.15666; one centroid at a time), which the search
  replaced: up to 1.6 % above on six pictures of 4 to 15 megapixels, where the search ends at most
  0.2 % above, in the same time. The full schedule (five at a time) halved that in three times the
  time.
- 20 generations on the coarse summary instead of 5, or 60 new solutions instead of 20: no better.
  Two iterations for a child instead of three with longer steps: 0.28 % instead of 0.16 % (median of
  18 pictures, K = 64). The first sample drawn instead of the best of eight: 0.23 instead of 0.16 %.
- Solutions counted as equal below a difference of 3e-4 instead of 1e-6: 0.07 instead of 0.03 %
  (K = 32). No mutations: 95th percentile 0.51 instead of 0.44 % (K = 32).
- Four parents for a child, or four separate populations: no better.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from kmseg.kmeans.cells import Cells, Integers
from kmseg.kmeans.nearest import CHUNK, find_nearest
from kmseg.kmeans.problem import Samples
from kmseg.kmeans.seeding import Singles, Summary, draw, iterate, plus_plus
from kmseg.parallel.compiled import compiled, inlined
from kmseg.parallel.threads import in_threads

# At most this many children in a generation, generations on the coarse and on the fine summary, new
# solutions drawn at the beginning, and solutions that go on. With few clusters, less is enough.
_CHILDREN: Final = 32
_GENERATIONS: Final = (6, 4)
_NEWCOMERS: Final = 20
_N_PARENTS: Final = 30
_N_FINE_PARENTS: Final = 20
# Where the coarse summary has fewer samples than this, a generation takes less time, and there are
# up to _MOST_REPEATS times as many. Without, a picture with 200 colours ended 1.4 % above the least
# inertia known at K = 64, and 0.6 % with them.
_FEW_SAMPLES: Final = 2000
_MOST_REPEATS: Final = 5
# With fewer attempts than this, there are fewer children and new solutions in proportion.
_FULL: Final = 10
_MUTATED: Final = 0.5
# Samples drawn for the new centroid, of which the best is taken.
_CANDIDATES: Final = 8
# Weights of centroids are multiplied by exp(this times a normal variable): the same parents have
# different children.
_NOISE: Final = 0.5
# Lloyd's iterations of a child.
_ITERATIONS: Final = 3
# Solutions whose inertias differ by less than this, relatively, are the same.
_SAME_INERTIA: Final = 1e-6


class Population(NamedTuple):
    """Solutions, and their results on a summary of the samples.

    Attributes
    ----------
    centroids : ndarray, shape (P, K, W)
    masses : ndarray, shape (P, K)
        The weights of the clusters.
    inertias : ndarray, shape (P,)
    """

    centroids: Singles
    masses: Samples
    inertias: Samples

    def fittest(self, at_most: int) -> Population:
        """The solutions of least inertia, in this order; one for each distinct inertia."""
        chosen: list[int] = []
        for i in np.argsort(self.inertias, kind="stable").tolist():
            if len(chosen) == at_most:
                break
            if not chosen or self.inertias[i] > self.inertias[chosen[-1]] * (1 + _SAME_INERTIA):
                chosen.append(i)
        return Population(self.centroids[chosen], self.masses[chosen], self.inertias[chosen])

    def joined(self, others: Population) -> Population:
        """The solutions of both."""
        return Population(
            np.concatenate((self.centroids, others.centroids)),
            np.concatenate((self.masses, others.masses)),
            np.concatenate((self.inertias, others.inertias)),
        )


def search(few: Summary, starts: Samples, seed: int, n_threads: int) -> Samples:
    """Improve the results of attempts, shape (A, K, W), by a genetic search on a summary.

    The result does not depend on ``n_threads``.

    Returns
    -------
    ndarray, shape (P, K, W)
        Different solutions, the one of least inertia over the summary first.
    """
    n_clusters = starts.shape[1]
    if n_clusters == 1:
        return starts
    n_newcomers, n_children, n_generations = _sizes(
        n_clusters, len(starts), len(few.coarse.weights)
    )
    # Attempts draw from [seed, number], which is the same as [seed, number, 0].
    rng = np.random.default_rng([seed, 0, 1])
    newcomers = plus_plus(few.coarse, rng.random((n_newcomers, n_clusters, 1)))
    centroids = np.concatenate((few.reduced(starts), newcomers))
    population = Population(centroids, np.ones(centroids.shape[:2]), np.empty(len(centroids)))
    for cells, n in zip((few.coarse, few.fine), n_generations, strict=True):
        population = _bred(few, cells, population, _unmixed(population), n_threads)
        for _ in range(n):
            parents = population.fittest(_N_PARENTS)
            crossings = _crossings(parents, n_children, rng)
            population = parents.joined(_bred(few, cells, parents, crossings, n_threads))
        population = population.fittest(_N_FINE_PARENTS)
    return few.restored(population.centroids)


def _sizes(n_clusters: int, n_attempts: int, n_samples: int) -> tuple[int, int, tuple[int, int]]:
    """New solutions, children in a generation, and generations on either summary."""
    share = min(1.0, n_attempts / _FULL)
    more = min(max(1, _FEW_SAMPLES // n_samples), _MOST_REPEATS)
    return (
        math.ceil(share * min(_NEWCOMERS, n_clusters)),
        math.ceil(share * min(_CHILDREN, n_clusters)),
        (more * min(_GENERATIONS[0], n_clusters // 4), min(_GENERATIONS[1], n_clusters // 10)),
    )


class _Crossings(NamedTuple):
    """How children are made.

    Attributes
    ----------
    mixed : ndarray of int64, shape (C, M)
        The parents of each child.
    noise : ndarray, shape (C, M, K)
        Factors of the weights of their centroids.
    kept : ndarray of int64, shape (C,)
        The number of centroids that mergers leave; the others are drawn.
    draws : ndarray, shape (C, K, N)
        Random numbers for that, one for each of the N candidates.
    """

    mixed: Integers
    noise: Samples
    kept: Integers
    draws: Samples


def _unmixed(population: Population) -> _Crossings:
    """Every solution again."""
    n, n_clusters = population.masses.shape
    return _Crossings(
        np.arange(n)[:, None],
        np.ones((n, 1, n_clusters)),
        np.full(n, n_clusters),
        np.full((n, n_clusters, 1), 0.5),
    )


def _crossings(parents: Population, n_children: int, rng: np.random.Generator) -> _Crossings:
    """Draw the parents of children, and which children are mutated."""
    n_parents, n_clusters = parents.masses.shape
    order = np.argsort(rng.random((n_children, n_parents)), axis=1)
    mixed = np.ascontiguousarray(order[:, :2])
    noise = np.exp(_NOISE * rng.normal(size=(*mixed.shape, n_clusters)))
    mutated = (rng.random(n_children) < _MUTATED) | (n_parents == 1)
    draws = rng.random((n_children, n_clusters, _CANDIDATES))
    return _Crossings(mixed, noise, n_clusters - mutated, draws)


def _bred(
    few: Summary, cells: Cells, parents: Population, crossings: _Crossings, n_threads: int
) -> Population:
    """Make children, in threads, and iterate them over the summary."""
    n_children, (n_clusters, width) = len(crossings.mixed), parents.centroids.shape[1:]
    children = Population(
        np.empty((n_children, n_clusters, width), np.float32),
        np.empty((n_children, n_clusters)),
        np.empty(n_children),
    )

    def share(first: int) -> None:
        _breed(
            cells, few.coarse.X, few.coarse.weights, parents.centroids, parents.masses, *children,
            first, n_threads, *crossings, cells.columns,
        )  # fmt: skip

    in_threads(share, range(min(n_threads, n_children)), n_threads)
    return children


@compiled()
def _breed(  # type: ignore[no-untyped-def]
    cells, X, X_weights, parents, parent_masses, children, masses, inertias, first, step,
    mixed, noise, kept, draws, columns,
):  # fmt: skip
    """Make every ``step``-th child from the ``first``, as :class:`_Crossings` says."""
    n_clusters, n_mixed = parents.shape[1], mixed.shape[1]
    # One more than there can be, for a centroid without weight after all others.
    points = np.empty((len(columns), n_mixed * n_clusters + 1), parents.dtype)
    weights = np.empty(n_mixed * n_clusters + 1, parents.dtype)
    for child in range(first, len(children), step):
        centroids, n_points = children[child], 0
        for number in range(n_mixed):
            parent = mixed[child, number]
            for k in range(n_clusters):
                weights[n_points] = noise[child, number, k] * parent_masses[parent, k]
                for d in range(len(columns)):
                    points[d, n_points] = parents[parent, k, d]
                n_points += weights[n_points] > 0
        n_points = _merge(points, weights, n_points, kept[child], columns)
        for k in range(n_clusters):
            sample = 0
            if k >= n_points:
                sample = _draw(X, X_weights, centroids, k, draws[child, k], columns)
            for d in range(len(columns)):
                centroids[k, d] = points[d, k] if k < n_points else X[d, sample]
        inertias[child] = iterate(cells, centroids, masses[child], _ITERATIONS, columns)


@inlined()
def _merge(points, weights, n_points, at_most, columns):  # type: ignore[no-untyped-def]
    """Merge points, column by column and weighted, until ``at_most`` are left; returns how many.

    The two to merge next are those that raise the weighted sum of squared distances least. A
    point's partner is searched again only when its cost, as it was, is the least (Kaukoranta,
    Fränti & Nevalainen 1999, "Vector quantization by lazy pairwise nearest neighbor method").
    """
    partner, costs = np.empty(n_points, np.int32), np.empty(n_points, points.dtype)
    memory = np.empty(n_points, points.dtype)
    for i in range(n_points if n_points > at_most else 0):
        _find_partner(points, weights, n_points, i, partner, costs, memory, columns)
    while n_points > at_most:
        one = _least(costs, n_points)
        if partner[one] < 0:
            _find_partner(points, weights, n_points, one, partner, costs, memory, columns)
            continue
        first, second, last = min(one, partner[one]), max(one, partner[one]), n_points - 1
        total = weights[first] + weights[second]
        for d in range(len(columns)):
            points[d, first] += weights[second] / total * (points[d, second] - points[d, first])
            points[d, second] = points[d, last]
        weights[first], weights[second] = total, weights[last]
        # Costs do not fall by a merger: those of points whose partner is gone are lower bounds.
        for i in range(np.uint64(n_points)):
            gone = partner[i] == first or partner[i] == second
            partner[i] = -1 if gone else second if partner[i] == last else partner[i]
        partner[second], costs[second] = partner[last], costs[last]
        partner[first], n_points = -1, last
    return n_points


@inlined()
def _least(values, n_values):  # type: ignore[no-untyped-def]
    """The index of the first least of some numbers, none negative.

    The bits of such numbers ascend with them, and whole numbers are compared many at a time.
    """
    bits = values.view(np.int32)
    least, index = bits[0], 0
    for i in range(np.uint64(n_values)):
        least = bits[i] if bits[i] < least else least
    while bits[index] > least:
        index += 1
    return index


@inlined(fastmath={"reassoc", "nnan", "nsz"}, error_model="numpy")
def _find_partner(  # type: ignore[no-untyped-def]
    points, weights, n_points, i, partner, costs, memory, columns
):
    """Find the point to merge point i with, and what that costs (Ward 1963)."""
    for j in range(np.uint64(n_points)):
        difference = points[0, j] - points[0, i]
        distance = difference * difference
        for d in range(1, len(columns)):
            difference = points[d, j] - points[d, i]
            distance += difference * difference
        memory[j] = distance
    weight = weights[i]
    for j in range(np.uint64(n_points)):
        memory[j] *= weight * weights[j] / (weight + weights[j])
    memory[i] = np.inf
    partner[i] = _least(memory, n_points)
    costs[i] = memory[partner[i]]


@inlined()
def _draw(X, weights, centroids, n_centroids, uniforms, columns):  # type: ignore[no-untyped-def]
    """Draw a sample by its squared distance to the nearest centroid, times its weight."""
    n_samples = len(weights)
    nearest, least = np.empty(CHUNK, np.int32), np.empty(CHUNK, X.dtype)
    no_runner_up, closest = np.empty(0, X.dtype), np.empty(n_samples, X.dtype)
    near = np.ascontiguousarray(centroids.T)
    for begin in range(0, n_samples, CHUNK):
        n = min(CHUNK, n_samples - begin)
        find_nearest(X, begin, n, near, n_centroids, nearest, least, no_runner_up, columns)
        closest[begin : begin + n] = least[:n]
    return draw(X, weights, closest, uniforms, columns)
