"""One-dimensional samples: the global optimum of k-means.

In one dimension the clusters of an optimum are runs of the sorted values (Wang & Song 2011,
"Ckmeans.1d.dp", The R Journal 3(2)). With a penalty on each cluster, dynamic programming with a
queue finds the optimal runs, of any number, in O(n log n), because the inertia of a run has the
Monge property (Hirschberg & Larmore 1987, "The least weight subsequence problem", SIAM J. Comput.
16(4)). If there are K of them, they are also optimal among all K runs. So a search looks for a
penalty that gives K. If the number jumps past K at some penalty, an optimum with fewer clusters and
one with more are combined into K (Aggarwal, Schieber & Tokuyama 1994, "Finding a minimum-weight
k-link path in graphs with the concave Monge property and applications", Discrete Comput. Geom. 12).
A table over all K, as in Grønlund et al. 2017 (arXiv:1701.07204), takes K times the memory and much
longer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kmseg.kmeans.cells import Integers
from kmseg.kmeans.problem import Labels, Samples
from kmseg.parallel.compiled import compiled


class Optimum(NamedTuple):
    """Ascending centroids (K, 1), the nearest of them to each sample (n,), and the inertia."""

    centroids: Samples
    labels: Labels
    inertia: float


def optimum(X: Samples, weights: Samples, n_clusters: int) -> Optimum:
    """Compute an optimal clustering, with about 100 bytes of memory for each sample.

    Inertias are compared by differences of cumulative sums, so the result is optimal up to rounding
    errors of about 1e-16 of the inertia around the mean of all samples.

    Parameters
    ----------
    X : ndarray of float64, shape (n, 1)
    weights : ndarray of float64, shape (n,)
    n_clusters : int
        K, at most the number of distinct values.

    Returns
    -------
    Optimum
        No sample of an optimum lies halfway between two centroids. If rounding puts one there, it
        belongs to the lower centroid.
    """
    values, mass, rank, position = _distinct(X.ravel(), weights)
    moments = mass * (values - np.average(values, weights=mass))
    ends, _ = _search(_cumulative(mass), _cumulative(moments), n_clusters)
    centroids, ends = _settle(values, mass, ends)
    nearest = np.repeat(np.arange(n_clusters, dtype=np.int32), np.diff(ends))
    inertia = float((mass * (values - centroids[nearest]) ** 2).sum())
    return Optimum(centroids[:, None], nearest[rank].take(position), inertia)


def _distinct(x: Samples, weights: Samples) -> tuple[Samples, Samples, Integers, Labels]:
    """Ascending distinct values, their weights, and the index of sample i: rank[position[i]]."""
    position, counts = np.empty(len(x), np.int32), np.zeros(256)
    if _count(x, weights, position, counts):
        new = counts > 0
        return np.flatnonzero(new).astype(np.float64), counts[new], np.cumsum(new) - 1, position
    order = np.argsort(x)
    position[order] = np.arange(len(x))
    ascending = x[order]
    new = np.append(True, ascending[1:] != ascending[:-1])
    mass = np.add.reduceat(weights[order], np.flatnonzero(new))
    return ascending[new], mass, np.cumsum(new) - 1, position


@compiled()
def _count(x, weights, position, counts):  # type: ignore[no-untyped-def]
    """Convert samples to bytes and add up the weight of each; False if not all are bytes."""
    for i in range(len(x)):
        byte = int(x[i]) if 0 <= x[i] < 256 else 0
        if byte != x[i]:
            return False
        position[i] = byte
        counts[byte] += weights[i]
    return True


def _cumulative(terms: Samples) -> Samples:
    """The sums of the first 0, 1, ... n terms, shape (n + 1,)."""
    sums = np.zeros(len(terms) + 1)
    _add_up(terms, sums)
    return sums


@compiled()
def _add_up(terms, sums):  # type: ignore[no-untyped-def]
    """Compensated summation (Kahan 1965, Communications of the ACM 8(1))."""
    total, lost = 0.0, 0.0
    for i in range(len(terms)):
        term = terms[i] - lost
        more = total + term
        lost = (more - total) - term
        total = more
        sums[i + 1] = total


def _search(mass: Samples, moment: Samples, n_clusters: int) -> tuple[Integers, float]:
    """Find an optimum into K, and a penalty at which no other number of clusters costs less.

    Parameters
    ----------
    mass, moment : ndarray, shape (n + 1,)
        Weight, and weighted sum, of the first 0, 1, ... n values.
    n_clusters : int

    Returns
    -------
    ends : ndarray of int64, shape (K + 1,)
        Cluster k is ``values[ends[k] : ends[k + 1]]``.
    penalty : float
    """
    n = len(mass) - 1
    few, many = np.array([0, n]), np.arange(n + 1)
    if n_clusters in (1, n):
        return (few, np.inf) if n_clusters == 1 else (many, 0.0)
    enough = max(4096, 64 * n_clusters)
    if n > 8 * enough:  # find the penalty for a subset of the values first, and search near it
        some = np.append(np.arange(0, n, n // enough), n)
        penalty = _search(mass[some], moment[some], n_clusters)[1]
        for power in (4, 16, 64):  # the penalty for K is about proportional to 1 / K**3
            ends = _penalised(mass, moment, penalty)
            if len(ends) == n_clusters + 1:
                return ends, penalty
            few, many = (ends, many) if len(ends) <= n_clusters else (few, ends)
            if len(few) > 2 and len(many) <= n:
                break
            penalty *= ((len(ends) - 1) / n_clusters) ** power
    while True:
        # At this penalty few and many cost the same, and a number in between costs no more,
        # because the least inertia is a convex function of K.
        less, more = (_between(mass, moment, ends) for ends in (few, many))
        penalty = (more - less) / (len(many) - len(few))
        ends = _penalised(mass, moment, penalty)
        if len(ends) == n_clusters + 1:
            return ends, penalty
        if not len(few) < len(ends) < len(many):
            return _combined(few, many, n_clusters), penalty
        few, many = (ends, many) if len(ends) <= n_clusters else (few, ends)


def _between(mass: Samples, moment: Samples, ends: Integers) -> float:
    """Between-cluster sum of squares: the inertia around zero minus that of the clusters."""
    return float((np.diff(moment[ends]) ** 2 / np.diff(mass[ends])).sum())


def _combined(few: Integers, many: Integers, n_clusters: int) -> Integers:
    """Join the first clusters of ``many`` and the last of ``few`` into an optimal clustering of K.

    Let d be K minus the number of clusters in ``few``. The switch is made at the first cluster i of
    ``few`` that contains cluster i + d of ``many``. By the Monge property, the two possible ways of
    switching together cost no more than ``few`` and ``many``.
    """
    ahead = n_clusters + 1 - len(few)
    cover = int(np.argmax(many[ahead + 1 :][: len(few) - 1] <= few[1:]))
    return np.append(many[: cover + ahead + 1], few[cover + 1 :])


def _penalised(mass: Samples, moment: Samples, penalty: float) -> Integers:
    """The ends of optimal clusters, of any number, if each costs a penalty besides its inertia."""
    n = len(mass)
    begin = np.zeros(n, np.int32)
    queue, since = np.zeros(n, np.int32), np.ones(n, np.int32)
    _fill(mass, moment, penalty, np.zeros(n), begin, queue, since)
    ends = [n - 1]
    while ends[-1]:
        ends.append(int(begin[ends[-1]]))
    return np.array(ends[::-1])


@compiled(error_model="numpy")
def _fill(mass, moment, penalty, cost, begin, queue, since):  # type: ignore[no-untyped-def]
    """For the values up to each end, compute where the last cluster begins, and the total cost.

    The cost omits the inertia around zero, which is constant. Of two beginnings the later one is
    better from some end on, if at all. The queue holds the beginnings that are the best for some
    end to come; ``since`` holds the first such end of each.
    """
    n = len(mass) - 1
    head = tail = 0
    for end in range(1, n + 1):
        new = end - 1
        worse, better, reach = new, n + 1, 1
        at = n  # if the new beginning is not better for the last end, it never is
        while better - worse > 1:
            old = queue[tail]
            by_new, by_old = moment[at] - moment[new], moment[at] - moment[old]
            cost_new = cost[new] - by_new * by_new / (mass[at] - mass[new])
            cost_old = cost[old] - by_old * by_old / (mass[at] - mass[old])
            if cost_new < cost_old:
                better = at
                if at == max(since[tail], end):
                    tail -= 1
            else:
                worse = at
            at = max(since[tail], end)
            if at <= worse:
                at = min(worse + reach, (worse + better) // 2)
                reach *= 2
        if better <= n:
            tail += 1
            queue[tail], since[tail] = new, better
        if head < tail and since[head + 1] <= end:
            head += 1
        first = queue[head]
        by_first = moment[end] - moment[first]
        begin[end] = first
        cost[end] = cost[first] - by_first * by_first / (mass[end] - mass[first]) + penalty


def _settle(values: Samples, mass: Samples, ends: Integers) -> tuple[Samples, Integers]:
    """Means and ends of clusters after Lloyd steps, which repair the effects of rounding."""
    means = _means(values, mass, ends)
    for _ in range(100):  # usually the first changes nothing
        inner = ends[1:-1]
        halfway = np.searchsorted(values, (means[:-1] + means[1:]) / 2, side="right")
        down = np.clip(halfway, ends[:-2] + 1, inner)  # moving all one way leaves none empty
        up = np.clip(halfway, inner, ends[2:] - 1)
        moved = up if (down == inner).all() else down
        if (moved == inner).all():
            break
        ends = np.concatenate(([0], moved, [len(values)]))
        means = _means(values, mass, ends)
    return means, ends


def _means(values: Samples, mass: Samples, ends: Integers) -> Samples:
    begin = ends[:-1]
    above = mass * (values - np.repeat(values[begin], np.diff(ends)))
    means = values[begin] + np.add.reduceat(above, begin) / np.add.reduceat(mass, begin)
    return np.asarray(means)  # exact for a cluster of one value
