"""Samples grouped into cells of a grid, and cells into blocks of cells, for filtering."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmseg.kmeans.problem import Labels, Samples
from kmseg.parallel.compiled import compiled
from kmseg.parallel.threads import N_CORES, in_threads

Integers = NDArray[np.int64]

# Work is divided into this many parts, whatever the number of threads, and the parts are summed in
# order, so results do not depend on the number of threads. Few samples are one part.
_PARTS: Final = 4
_FEW: Final = 50_000
# Boxes are enlarged by this fraction of their coordinates, to allow for rounding errors.
_ROUNDING: Final = 1e-12
# Samples with fewer columns get columns of zeros, so that one version of the loops serves all.
_MIN_COLUMNS: Final = 3


class Cells(NamedTuple):
    """Samples in the order of their cells, and statistics of cells and blocks.

    Attributes
    ----------
    X : ndarray, shape (W, n)
        Column by column; W is max(D, 3). Columns past D are zero.
    weights : ndarray, shape (n,)
    order : ndarray of int64, shape (n,) or (0,)
        The original index of each sample; empty if the order has not changed.
    starts : ndarray of int64, shape (C + 1,)
        The samples of cell c are ``starts[c]`` to ``starts[c + 1]``.
    boxes : ndarray, shape (C, 2, W)
        Minimum and maximum coordinates, enlarged by more than rounding errors.
    sums, masses, scatter : ndarray, shapes (C, W), (C,), (C,)
        Weighted sum, weight, and weighted sum of squared distances to the mean.
    blocks : ndarray of int64, shape (B + 1,)
        The cells of block b are ``blocks[b]`` to ``blocks[b + 1]``.
    block_boxes : ndarray, shape (B, 2, W)
    parts : ndarray of int64, shape (P + 1,)
        Blocks ``parts[p]`` to ``parts[p + 1]`` are one unit of work for a thread.
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
        """A tuple of W zeros: its length is part of its type, so the compiler knows W."""
        return (0,) * len(self.X)

    @property
    def extent(self) -> float:
        """The range of the column with the largest range."""
        return float(
            (self.block_boxes[:, 1].max(axis=0) - self.block_boxes[:, 0].min(axis=0)).max()
        )

    @property
    def means(self) -> Samples:
        """Weighted mean of each cell, shape (C, W)."""
        return self.sums / self.masses[:, None]

    def widened(self, centroids: Samples) -> Samples:
        """Centroids (K, D) with columns of zeros appended, as in ``X``: (K, W)."""
        return np.pad(centroids, ((0, 0), (0, len(self.X) - centroids.shape[1])))


def group(
    X: Samples,
    weights: Samples,
    n_threads: int = N_CORES,
    *,
    cell_bits: int = 15,
    block_bits: int = 9,
) -> Cells:
    """Group samples, shape (n, D), by a grid over their range.

    The columns that vary are halved in turn, into at most 2**cell_bits cells in 2**block_bits
    blocks. Samples that already come cell by cell and block by block, as the colours of a histogram
    do in RGB, are not moved, and not copied if their columns are contiguous: allocating memory
    would take longer than the grouping.
    """
    n_samples, n_columns = X.shape
    columns = np.ascontiguousarray(X.T)
    if n_columns < _MIN_COLUMNS:
        columns = np.vstack((columns, np.zeros((_MIN_COLUMNS - n_columns, n_samples))))
    low, high = columns.min(axis=1), columns.max(axis=1)
    fine, coarse = _bits(high > low, cell_bits), _bits(high > low, block_bits)
    cell = np.empty(n_samples, np.int32)
    _locate(columns, _grid(low, high, fine, fine - coarse), cell)
    bits_in_block = int((fine - coarse).sum())
    columns, weights, order, starts, numbers = _sorted_by_cell(
        columns, weights, cell, cell_bits, bits_in_block
    )
    boxes, sums, masses, scatter = _statistics(columns, weights, starts, n_threads)
    blocks = np.append(np.flatnonzero(np.diff(numbers >> bits_in_block, prepend=-1)), len(numbers))
    low_corners = np.minimum.reduceat(boxes[:, 0], blocks[:-1])
    high_corners = np.maximum.reduceat(boxes[:, 1], blocks[:-1])
    n_parts = _PARTS if n_samples > _FEW else 1
    return Cells(
        X=columns,
        weights=weights,
        order=order,
        starts=starts,
        boxes=boxes,
        sums=sums,
        masses=masses,
        scatter=scatter,
        blocks=blocks,
        block_boxes=np.stack((low_corners, high_corners), axis=1),
        parts=np.searchsorted(starts[blocks], np.linspace(0, n_samples, n_parts + 1)),
    )


def _sorted_by_cell(
    columns: Samples, weights: Samples, cell: Labels, cell_bits: int, bits_in_block: int
) -> tuple[Samples, Samples, Integers, Integers, Integers]:
    """Samples and weights by cell, if they are not; ``order``, ``starts``, numbers of the cells."""
    per_cell, runs = np.zeros(1 << cell_bits, np.int64), np.empty(1 << cell_bits, np.int64)
    cell_runs, block_runs = _runs(cell, bits_in_block, per_cell, runs)
    numbers = np.flatnonzero(per_cell)
    if cell_runs == len(numbers) and block_runs == len(np.unique(numbers >> bits_in_block)):
        starts = np.append(runs[:cell_runs], len(cell))
        return columns, weights, np.empty(0, np.int64), starts, cell[starts[:-1]]
    starts = np.append(0, np.cumsum(per_cell[numbers]))
    position = np.zeros(len(per_cell), np.int64)
    position[numbers] = starts[:-1]
    sorted_columns, sorted_weights = np.empty_like(columns), np.empty_like(weights)
    order = np.empty(len(cell), np.int64)
    _sort(columns, weights, cell, position, sorted_columns, sorted_weights, order)
    return sorted_columns, sorted_weights, order, starts, numbers


def _statistics(
    columns: Samples, weights: Samples, starts: Integers, n_threads: int
) -> tuple[Samples, Samples, Samples, Samples]:
    """``boxes``, ``sums``, ``masses`` and ``scatter`` of :class:`Cells`."""
    n_cells, width, n_samples = len(starts) - 1, *columns.shape
    boxes = np.empty((n_cells, 2, width))
    sums, masses, scatter = np.empty((n_cells, width)), np.empty(n_cells), np.empty(n_cells)
    edges = np.searchsorted(starts, np.linspace(0, n_samples, _PARTS + 1))

    def measure(i: int) -> None:
        _measure(columns, weights, starts, boxes, sums, masses, scatter, edges[i], edges[i + 1])

    in_threads(measure, range(_PARTS), n_threads if n_samples > _FEW else 1)
    boxes += _ROUNDING * np.array([[-1.0], [1.0]]) * np.abs(boxes)
    return boxes, sums, masses, scatter


def _bits(varies: NDArray[np.bool_], total: int) -> Integers:
    """Bits of a cell's number for each column, (D,): divided among the columns that vary."""
    bits = np.zeros(len(varies), np.int64)
    several = np.flatnonzero(varies)[:total]
    if len(several):
        bits[several] = total // len(several)
        bits[several[: total % len(several)]] += 1
    return bits


def _grid(
    low: Samples, high: Samples, fine: Integers, rest: Integers
) -> tuple[tuple[float, ...], ...]:
    """Parameters, for each column, of a grid whose cells are numbered block by block.

    The width of cells is a power of two and blocks start at multiples of their width, as in a
    histogram of bytes. A cell's number is the coarse bits of all columns, then the ``rest``.

    Returns
    -------
    origin, scale, last : tuple of float
        The level of a coordinate is ``min((x - origin) * scale, last)``, rounded down.
    per_block, fine_step, coarse_step : tuple of float
        Levels in a block; the step in the cell's number from one level to the next, and the extra
        step from one block to the next.
    """
    width = 2.0 ** np.ceil(np.log2(np.where(fine > 0, high - low, 1.0) / 2.0**fine))
    for _ in range(2):  # counted from the multiple below, 2**fine cells may not reach the maximum
        block = width * 2.0**rest
        origin = np.floor(low / block) * block
        width = np.where(high - origin < width * 2.0**fine, width, 2 * width)
    scale = np.where(fine > 0, 1 / width, 0.0)
    coarse = fine - rest
    # The bits below those of a column belong to the columns after it.
    fine_step = 2.0 ** (rest.sum() - np.cumsum(rest))
    block_step = 2.0 ** (rest.sum() + coarse.sum() - np.cumsum(coarse))
    coarse_step = block_step - 2.0**rest * fine_step
    numbers = (origin, scale, 2.0**fine - 1, 2.0**rest, fine_step, coarse_step)
    return tuple(tuple(number.tolist()) for number in numbers)


@compiled()
def _locate(X, grid, cell):  # type: ignore[no-untyped-def]
    """Compute the cell of each sample, in floats that hold integers, for vector instructions."""
    origin, scale, last, per_block, fine_step, coarse_step = grid
    for i in range(np.uint64(len(cell))):
        number = 0.0
        for d in range(len(origin)):
            level = np.floor((X[d, i] - origin[d]) * scale[d])
            level = level if level < last[d] else last[d]
            number += level * fine_step[d] + np.floor(level / per_block[d]) * coarse_step[d]
        cell[i] = np.int32(number)


@compiled()
def _runs(cell, bits_in_block, per_cell, runs):  # type: ignore[no-untyped-def]
    """Count the samples of each cell, runs of samples in one cell, and runs in one block.

    ``runs`` receives the first sample of each run, up to the number of cells.
    """
    cell_runs, block_runs, before = 0, 0, -1
    for i in range(len(cell)):
        number = cell[i]
        if number != before:
            if cell_runs < len(runs):
                runs[cell_runs] = i
            cell_runs += 1
            block_runs += number >> bits_in_block != before >> bits_in_block
            before = number
        per_cell[number] += 1
    return cell_runs, block_runs


@compiled()
def _sort(  # type: ignore[no-untyped-def]
    X, weights, cell, position, sorted_X, sorted_weights, order
):
    for i in range(len(cell)):
        to = position[cell[i]]
        position[cell[i]] = to + 1
        order[to] = i
        sorted_weights[to] = weights[i]
        for d in range(len(X)):
            sorted_X[d, to] = X[d, i]


@compiled()
def _measure(  # type: ignore[no-untyped-def]
    X, weights, starts, boxes, sums, masses, scatter, first, last
):
    for cell in range(first, last):
        begin, end = np.uint64(starts[cell]), np.uint64(starts[cell + 1])
        mass, spread = 0.0, 0.0
        for i in range(begin, end):
            mass += weights[i]
        for d in range(len(X)):
            origin = least = most = X[d, begin]
            total, squares = 0.0, 0.0
            for i in range(begin, end):
                x, weight = X[d, i], weights[i]
                least = x if x < least else least
                most = x if x > most else most
                total += weight * (x - origin)
                squares += weight * (x - origin) * (x - origin)
            boxes[cell, 0, d], boxes[cell, 1, d] = least, most
            sums[cell, d] = mass * origin + total
            spread += max(squares - total * total / mass, 0.0)
        masses[cell], scatter[cell] = mass, spread
