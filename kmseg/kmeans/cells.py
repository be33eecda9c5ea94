"""Samples grouped into cells of their space, and assignment by filtering over the cells.

A cell all of which is nearer to one centroid than to any other is added in bulk by its sums, which
is exact. Only the samples of other cells are looked at, and only at the centroids that can be
nearest somewhere in the cell (Kanungo et al. 2002, "An efficient k-means clustering algorithm",
IEEE TPAMI 24(7); Pelleg & Moore 1999). Cells lie in blocks, which are filtered first.

A sample that is nearer to one centroid with room to spare stays so while centroids move little. So
a step may settle those once, and hand on the few near a border between clusters, which alone are
looked at while no centroid leaves its room. (Bounds carried for every sample, as in Hamerly 2010,
"Making k-means even faster", were measured too: reading them took longer than this.)
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kmseg.threads import N_CORES, in_threads

Samples = NDArray[np.float64]
Integers = NDArray[np.int64]
Labels = NDArray[np.int32]

# A centroid is dropped only if it is further by more than rounding can account for.
_ROOM: Final = 1e-12
# Work is divided into this many parts, whatever the number of threads, and summed in their order:
# results do not depend on how many threads there are. Few samples are one part.
_PARTS: Final = 4
_FEW: Final = 50_000
# Fewer samples than this are looked at sooner than threads are woken.
_WORTH_THREADS: Final = 20_000
# Samples of fewer columns get columns of zeros, so that loops are compiled once for all of them.
_LEAST_COLUMNS: Final = 3


class Cells(NamedTuple):
    """Samples in the order of their cells, and what each cell and block holds.

    Attributes
    ----------
    X : ndarray, shape (n, W)
        W is D, or 3 if that is more; columns past D are zero.
    weights : ndarray, shape (n,)
    order : ndarray of int64, shape (n,) or (0,)
        Where each sample was before; empty if that is where it is.
    starts : ndarray of int64, shape (C + 1,)
        The samples of cell c are ``starts[c]`` to ``starts[c + 1]``.
    boxes : ndarray, shape (C, 2, W)
        Least and greatest coordinates.
    sums, masses, scatter : ndarray, shapes (C, W), (C,), (C,)
        Weighted sum, weight, and weighted sum of squared distances to the mean.
    blocks : ndarray of int64, shape (B + 1,)
        The cells of block b are ``blocks[b]`` to ``blocks[b + 1]``.
    block_boxes : ndarray, shape (B, 2, W)
    parts : ndarray of int64, shape (P + 1,)
        Blocks from ``parts[p]`` to ``parts[p + 1]`` are one thread's work at a time.
    """

    X: Samples
    weights: Samples
    order: Integers
    starts: Integers
    boxes: Samples
    sums: Samples
    masses: Samples
    scatter: Samples
    blocks: Integers
    block_boxes: Samples
    parts: Integers

    @property
    def columns(self) -> tuple[int, ...]:
        """As many zeros as there are columns: a number that compiled loops know beforehand."""
        return (0,) * int(self.X.shape[1])

    @property
    def means(self) -> Samples:
        """Weighted mean of each cell, shape (C, W)."""
        return self.sums / self.masses[:, None]

    def widened(self, centroids: Samples) -> Samples:
        """Centroids (K, D) with the columns of zeros that ``X`` has, (K, W)."""
        return np.pad(centroids, ((0, 0), (0, self.X.shape[1] - centroids.shape[1])))


def group(
    X: Samples,
    weights: Samples,
    n_threads: int = N_CORES,
    *,
    cell_bits: int = 15,
    block_bits: int = 9,
) -> Cells:
    """Group samples by a grid over their range: at most 2**15 cells in 2**9 blocks.

    Columns are halved in turn, those of one value not at all. Samples that come cell by cell and
    block by block, as the colours of a histogram do in RGB, are left where they are.
    """
    low, high = _extent(X)
    fine, coarse = _bits(high > low, cell_bits), _bits(high > low, block_bits)
    rest = fine - coarse
    cell, per_cell = np.empty(len(X), np.int32), np.zeros(1 << cell_bits, np.int64)
    runs = np.empty(len(per_cell), np.int64)
    spare = (0, max(0, _LEAST_COLUMNS - len(low)))
    origin, scale, all_bits, low_bits = (
        tuple(np.pad(numbers, spare).tolist())
        for numbers in (*_grid(low, high, fine, rest), fine, rest)
    )
    cell_runs, block_runs = _locate(X, origin, scale, all_bits, low_bits, cell, per_cell, runs)
    numbers = np.flatnonzero(per_cell)
    starts = np.append(0, np.cumsum(per_cell[numbers]))
    in_place = cell_runs == len(numbers) and block_runs == len(np.unique(numbers >> rest.sum()))
    if in_place and X.shape[1] >= _LEAST_COLUMNS:
        starts = np.append(runs[:cell_runs], len(X))
        numbers, order = cell[starts[:-1]], np.empty(0, np.int64)
    else:
        position = np.zeros(len(per_cell), np.int64)
        position[numbers] = starts[:-1]
        unsorted, X = X, np.zeros((len(X), max(X.shape[1], _LEAST_COLUMNS)))
        lighter, weights = weights, np.empty(len(X))
        order = np.empty(len(X), np.int64)
        _sort(unsorted, lighter, cell, position, X, weights, order)
    n_cells, columns = len(numbers), (0,) * X.shape[1]
    boxes = np.empty((n_cells, 2, len(columns)))
    sums, masses, scatter = np.empty((n_cells, len(columns))), np.empty(n_cells), np.empty(n_cells)
    edges = np.searchsorted(starts, np.linspace(0, len(X), _PARTS + 1))

    def measure(i: int) -> None:
        first, last = edges[i], edges[i + 1]
        _measure(X, weights, starts, boxes, sums, masses, scatter, first, last, columns)

    in_threads(measure, range(_PARTS), n_threads)
    blocks = np.append(np.flatnonzero(np.diff(numbers >> rest.sum(), prepend=-1)), n_cells)
    block_boxes = np.stack(
        (
            np.minimum.reduceat(boxes[:, 0], blocks[:-1]),
            np.maximum.reduceat(boxes[:, 1], blocks[:-1]),
        ),
        axis=1,
    )
    return Cells(
        X,
        weights,
        order,
        starts,
        boxes,
        sums,
        masses,
        scatter,
        blocks,
        block_boxes,
        np.searchsorted(
            starts[blocks], np.linspace(0, len(X), (_PARTS if len(X) > _FEW else 1) + 1)
        ),
    )


def _bits(varies: NDArray[np.bool_], total: int) -> Integers:
    """Bits of a grid's number for each column, (D,): shared out among the columns that vary."""
    bits = np.zeros(len(varies), np.int64)
    several = np.flatnonzero(varies)[:total]
    if len(several):
        bits[several] = total // len(several)
        bits[several[: total % len(several)]] += 1
    return bits


def _grid(low: Samples, high: Samples, fine: Integers, rest: Integers) -> tuple[Samples, Samples]:
    """Origin and cells per unit of a grid, (D,) each.

    Cells are powers of two wide and blocks start at multiples of their width, as in a histogram
    of bytes.
    """
    width = 2.0 ** np.ceil(np.log2(np.where(fine > 0, high - low, 1.0) / 2.0**fine))
    for _ in range(2):  # from the multiple below, the same number of cells may end too early
        block = width * 2.0**rest
        origin = np.floor(low / block) * block
        width = np.where(high - origin < width * 2.0**fine, width, 2 * width)
    return origin, np.where(fine > 0, 1 / width, 0.0)


@njit(nogil=True, cache=True)
def _extent(X):  # type: ignore[no-untyped-def]
    low, high = X[0].copy(), X[0].copy()
    for i in range(len(X)):
        for d in range(X.shape[1]):
            low[d] = min(low[d], X[i, d])
            high[d] = max(high[d], X[i, d])
    return low, high


@njit(nogil=True, cache=True)
def _locate(  # type: ignore[no-untyped-def]
    X, origin, scale, fine, rest, cell, per_cell, runs
):
    """Number cells block by block: the coarse bits of all columns first, then the rest.

    Returns how often the cell changes from one sample to the next, and how often the block does.
    ``runs`` receives the first of these samples, as many as there can be cells.
    """
    n_columns = X.shape[1]
    inner_bits = 0
    for d in range(n_columns):
        inner_bits += rest[d]
    cell_runs, block_runs, before = 0, 0, -1
    for i in range(len(X)):
        block, inner = 0, 0
        for d in range(n_columns):
            level = min(int((X[i, d] - origin[d]) * scale[d]), (1 << fine[d]) - 1)
            block = (block << (fine[d] - rest[d])) | (level >> rest[d])
            inner = (inner << rest[d]) | (level & ((1 << rest[d]) - 1))
        number = (block << inner_bits) | inner
        if number != before:
            if cell_runs < len(runs):
                runs[cell_runs] = i
            cell_runs += 1
            block_runs += number >> inner_bits != before >> inner_bits
            before = number
        cell[i] = number
        per_cell[number] += 1
    return cell_runs, block_runs


@njit(nogil=True, cache=True)
def _sort(  # type: ignore[no-untyped-def]
    X, weights, cell, position, sorted_X, sorted_weights, order
):
    for i in range(len(X)):
        to = position[cell[i]]
        position[cell[i]] = to + 1
        order[to] = i
        sorted_weights[to] = weights[i]
        for d in range(X.shape[1]):
            sorted_X[to, d] = X[i, d]


@njit(nogil=True, cache=True)
def _measure(  # type: ignore[no-untyped-def]
    X, weights, starts, boxes, sums, masses, scatter, first, last, columns
):
    for cell in range(first, last):
        begin, end = starts[cell], starts[cell + 1]
        mass, spread = 0.0, 0.0
        for d in range(len(columns)):
            boxes[cell, 0, d] = boxes[cell, 1, d] = X[begin, d]
            sums[cell, d] = 0.0
        for i in range(begin, end):
            mass += weights[i]
            for d in range(len(columns)):
                boxes[cell, 0, d] = min(boxes[cell, 0, d], X[i, d])
                boxes[cell, 1, d] = max(boxes[cell, 1, d], X[i, d])
                sums[cell, d] += weights[i] * X[i, d]
                difference = X[i, d] - X[begin, d]
                spread += weights[i] * difference * difference
        for d in range(len(columns)):
            difference = sums[cell, d] / mass - X[begin, d]
            spread -= mass * difference * difference
        masses[cell], scatter[cell] = mass, max(spread, 0.0)


class Border(NamedTuple):
    """Samples that are not settled, cell by cell, with the centroids that can be nearest there.

    Attributes
    ----------
    X, weights : ndarray, shapes (m, W), (m,)
    runs : ndarray of int64, shape (R + 1, 2)
        Cell r has samples ``runs[r, 0]`` to ``runs[r + 1, 0]`` and candidates ``runs[r, 1]`` to
        ``runs[r + 1, 1]``.
    candidates : ndarray of int64
        Numbers of centroids, ascending in each cell.
    """

    X: Samples
    weights: Samples
    runs: Integers
    candidates: Integers


class Step(NamedTuple):
    """What an assignment found.

    Attributes
    ----------
    sums, mass : ndarray, shapes (K, W), (K,)
        Weighted sum and weight of the settled samples of each cluster.
    inertia : float
        Of the settled samples.
    borders : tuple of Border
        The other samples; none without slack.
    """

    sums: Samples
    mass: Samples
    inertia: float
    borders: tuple[Border, ...]


def step(
    cells: Cells,
    centroids: Samples,
    n_threads: int = N_CORES,
    *,
    slack: float = 0.0,
    labels: Labels | None = None,
) -> Step:
    """Assign samples to their nearest centroids, the first among equals, and add them up.

    Parameters
    ----------
    cells : Cells
    centroids : ndarray, shape (K, W)
    n_threads : int
        The result does not depend on it.
    slack : float
        Settle only samples that keep their centroid while no centroid moves further than this.
    labels : ndarray of int32, shape (n,), optional
        Receives the centroid of each settled sample, in the order of the cells.
    """
    written = np.empty(0, np.int32) if labels is None else labels

    def part(i: int) -> Step:
        first, last = cells.parts[i], cells.parts[i + 1]
        sums, mass, inertia, border = assign(
            cells, centroids, slack, first, last, written, cells.columns
        )
        return Step(sums, mass, inertia, (Border(*border),))

    found = in_threads(part, range(len(cells.parts) - 1), n_threads)
    sums, mass, inertia, borders = zip(*found, strict=True)
    return Step(sum(sums), sum(mass), sum(inertia), sum(borders, ()))


def step_again(
    settled: Step, centroids: Samples, columns: tuple[int, ...], n_threads: int = N_CORES
) -> tuple[Samples, Samples]:
    """Weighted sums (K, W) and weights (K,) of all samples, for centroids within the slack."""

    def part(i: int) -> tuple[Samples, Samples]:
        sums, mass = assign_border(*settled.borders[i], centroids, columns)
        return sums, mass

    n_near = sum(len(border.X) for border in settled.borders)
    parts = range(len(settled.borders))
    found = in_threads(part, parts, n_threads if n_near > _WORTH_THREADS else 1)
    return (
        settled.sums + sum(sums for sums, _ in found),
        settled.mass + sum(mass for _, mass in found),
    )


def inertia(cells: Cells, centroids: Samples) -> float:
    """Weighted sum of squared distances to the nearest centroids, in the calling thread alone."""
    no_labels, columns = np.empty(0, np.int32), cells.columns
    return sum(
        float(assign(cells, centroids, 0.0, first, last, no_labels, columns)[2])
        for first, last in pairwise(cells.parts)
    )


def label(cells: Cells, centroids: Samples, n_threads: int = N_CORES) -> tuple[Labels, float]:
    """The nearest centroid of each sample, in the order they were grouped from, and inertia."""
    by_cell = np.empty(len(cells.X), np.int32)
    inertia = step(cells, centroids, n_threads, labels=by_cell).inertia
    if not len(cells.order):
        return by_cell, inertia
    labels = np.empty_like(by_cell)
    labels[cells.order] = by_cell
    return labels, inertia


@njit(nogil=True, cache=True)
def next_slack(slack, n_border, n_samples, move):  # type: ignore[no-untyped-def]
    """How much room to settle samples with, when centroids last moved by ``move``.

    More room lasts for more steps, about slack / move, and leaves more samples to each of them, in
    proportion to the slack. Looking at all samples costs about as much as at half as many near
    borders, so the cost of a step is least with this root. Where that would leave nearly half of
    the samples, none is best. A tenth are taken to lie within a unit of a border until it is known.
    """
    per_unit = n_border / slack if slack > 0 else 0.1 * n_samples
    wanted = np.sqrt(0.5 * n_samples * move / max(per_unit, 1.0))
    return wanted if per_unit * wanted < 0.4 * n_samples else 0.0


@njit(nogil=True, cache=True)
def _survivors(  # type: ignore[no-untyped-def]
    boxes, box, centroids, slack, candidates, n_candidates, kept, columns
):
    """Keep the candidates that can be nearest somewhere in a box; returns how many.

    A candidate k drops out if the squared distance to it exceeds that to the centroid n nearest to
    the box's middle in the corner furthest towards k, and so in all of the box. While both move by
    at most the slack s, n stays nearer if d_k - d_n > 2 s, where d_k - d_n is the difference of the
    squares over d_k + d_n, at most 2 d_n + |k - n|.
    """
    nearest, least, half = 0, np.inf, 0.0
    for d in range(len(columns)):
        half += (0.5 * (boxes[box, 1, d] - boxes[box, 0, d])) ** 2
    for j in range(n_candidates):
        k = candidates[j]
        distance = 0.0
        for d in range(len(columns)):
            difference = 0.5 * (boxes[box, 0, d] + boxes[box, 1, d]) - centroids[k, d]
            distance += difference * difference
        if distance < least:
            nearest, least = k, distance
    reach = np.sqrt(least) + np.sqrt(half) if slack > 0 else 0.0
    n_kept = 0
    for j in range(n_candidates):
        k = candidates[j]
        own, other, gap = 0.0, 0.0, 0.0
        for d in range(len(columns)):
            towards = centroids[k, d] > centroids[nearest, d]
            corner = boxes[box, 1, d] if towards else boxes[box, 0, d]
            difference = corner - centroids[nearest, d]
            own += difference * difference
            difference = corner - centroids[k, d]
            other += difference * difference
            difference = centroids[k, d] - centroids[nearest, d]
            gap += difference * difference
        room = _ROOM * own
        if slack > 0:
            room += 2 * slack * (2 * reach + np.sqrt(gap))
        if other <= own + room:
            kept[n_kept] = k
            n_kept += 1
    return n_kept


@njit(nogil=True, cache=True)
def assign(  # type: ignore[no-untyped-def]
    cells, centroids, slack, first, last, labels, columns
):
    """What :class:`Step` holds, of the blocks from ``first`` up to ``last``."""
    n_clusters = len(centroids)
    sums = np.zeros((n_clusters, len(columns)))
    mass = np.zeros(n_clusters)
    inertia = 0.0
    everyone = np.arange(n_clusters)
    in_block = np.empty(n_clusters, np.int64)
    in_cell = np.empty(n_clusters, np.int64)
    near = np.empty((n_clusters, len(columns)))
    n_cells = cells.blocks[last] - cells.blocks[first] if slack > 0 else 0
    n_samples = (
        cells.starts[cells.blocks[last]] - cells.starts[cells.blocks[first]] if slack > 0 else 0
    )
    border_X, border_weights = np.empty((n_samples, len(columns))), np.empty(n_samples)
    runs = np.zeros((n_cells + 1, 2), np.int64)
    run_candidates = np.empty(n_cells * n_clusters, np.int64)
    n_border, n_runs, n_listed = 0, 0, 0
    for block in range(first, last):
        n_block = _survivors(
            cells.block_boxes, block, centroids, slack, everyone, n_clusters, in_block, columns
        )
        for cell in range(cells.blocks[block], cells.blocks[block + 1]):
            n_cell = n_block
            if n_block > 1:
                n_cell = _survivors(
                    cells.boxes, cell, centroids, slack, in_block, n_block, in_cell, columns
                )
            else:
                in_cell[0] = in_block[0]
            if n_cell == 1:
                k = in_cell[0]
                mass[k] += cells.masses[cell]
                inertia += cells.scatter[cell]
                for d in range(len(columns)):
                    sums[k, d] += cells.sums[cell, d]
                    difference = cells.sums[cell, d] / cells.masses[cell] - centroids[k, d]
                    inertia += cells.masses[cell] * difference * difference
                if len(labels):
                    for i in range(cells.starts[cell], cells.starts[cell + 1]):
                        labels[i] = k
                continue
            for j in range(n_cell):
                for d in range(len(columns)):
                    near[j, d] = centroids[in_cell[j], d]
            n_before = n_border
            for i in range(cells.starts[cell], cells.starts[cell + 1]):
                nearest, least, runner_up = 0, np.inf, np.inf
                for j in range(n_cell):
                    distance = 0.0
                    for d in range(len(columns)):
                        difference = cells.X[i, d] - near[j, d]
                        distance += difference * difference
                    runner_up = min(runner_up, max(distance, least))
                    nearest = j if distance < least else nearest
                    least = min(distance, least)
                if slack > 0 and np.sqrt(runner_up) - np.sqrt(least) <= 2 * slack:
                    border_weights[n_border] = cells.weights[i]
                    for d in range(len(columns)):
                        border_X[n_border, d] = cells.X[i, d]
                    n_border += 1
                    continue
                k = in_cell[nearest]
                mass[k] += cells.weights[i]
                inertia += cells.weights[i] * least
                for d in range(len(columns)):
                    sums[k, d] += cells.weights[i] * cells.X[i, d]
                if len(labels):
                    labels[i] = k
            if n_border > n_before:
                for j in range(n_cell):
                    run_candidates[n_listed] = in_cell[j]
                    n_listed += 1
                n_runs += 1
                runs[n_runs, 0], runs[n_runs, 1] = n_border, n_listed
    return (
        sums,
        mass,
        inertia,
        (
            border_X[:n_border],
            border_weights[:n_border],
            runs[: n_runs + 1],
            run_candidates[:n_listed],
        ),
    )


@njit(nogil=True, cache=True)
def assign_border(X, weights, runs, candidates, centroids, columns):  # type: ignore[no-untyped-def]
    """Sums and weights by cluster of the samples of a :class:`Border`."""
    sums, mass = np.zeros(centroids.shape), np.zeros(len(centroids))
    near = np.empty(centroids.shape)
    for run in range(len(runs) - 1):
        first = runs[run, 1]
        n_near = runs[run + 1, 1] - first
        for j in range(n_near):
            for d in range(len(columns)):
                near[j, d] = centroids[candidates[first + j], d]
        for i in range(runs[run, 0], runs[run + 1, 0]):
            nearest, least = 0, np.inf
            for j in range(n_near):
                distance = 0.0
                for d in range(len(columns)):
                    difference = X[i, d] - near[j, d]
                    distance += difference * difference
                nearest = j if distance < least else nearest
                least = min(distance, least)
            k = candidates[first + nearest]
            mass[k] += weights[i]
            for d in range(len(columns)):
                sums[k, d] += weights[i] * X[i, d]
    return sums, mass
