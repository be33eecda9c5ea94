"""Pairs of bytes: with two columns, a picture has far fewer distinct samples than colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from kmseg.kmeans.problem import Fit, Labels, Problem, Samples

# Fewer samples are not searched for duplicates.
_MIN_SAMPLES: Final = 1 << 14


class Pairs(NamedTuple):
    """Distinct samples of two columns.

    Attributes
    ----------
    samples, weights : ndarray of float64, shapes (P, 2), (P,)
    number : ndarray of int32, shape (n,)
        The pair of each original sample.
    """

    samples: Samples
    weights: Samples
    number: Labels


def over_distinct_pairs(fit: Callable[[Problem], Fit], problem: Problem) -> Fit:
    """Call ``fit`` on the problem, with :func:`distinct_pairs` in place of its samples."""
    pairs = distinct_pairs(problem.samples, problem.weights)
    if pairs is None:
        return fit(problem)
    found = fit(problem._replace(samples=pairs.samples, weights=pairs.weights))
    return found._replace(labels=found.labels[pairs.number])


def distinct_pairs(X: Samples, weights: Samples) -> Pairs | None:
    """Merge duplicate samples, shape (n, D), if each is two whole numbers from 0 to 255.

    Returns None if the samples are few, not of this kind, or mostly distinct.
    """
    if X.shape[1] != 2 or len(X) < _MIN_SAMPLES or X.min() < 0 or X.max() > 255:
        return None
    pair = X.astype(np.uint8)
    if not (pair == X).all():
        return None
    codes = pair[:, 0].astype(np.int32) << 8 | pair[:, 1]
    masses: Samples = np.bincount(codes, weights, 1 << 16).astype(np.float64, copy=False)
    occupied = np.flatnonzero(masses)
    if 2 * len(occupied) > len(X):
        return None
    number = np.empty(1 << 16, np.int32)
    number[occupied] = np.arange(len(occupied))
    samples = np.column_stack((occupied >> 8, occupied & 255)).astype(np.float64, order="F")
    return Pairs(samples, masses[occupied], number[codes])
