"""Reference implementations for tests: plain NumPy on raw pixels, and the articles' calls."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

import kmseg
from kmseg.color import features

Floats = NDArray[np.float64]

# OpenCV's conversions from BGR, the article's order of channels.
FROM_BGR = {"hsv": cv2.COLOR_BGR2HSV, "lab": cv2.COLOR_BGR2Lab, "ycrcb": cv2.COLOR_BGR2YCrCb}


def image_at(key: str, width: int) -> kmseg.Image:
    """A sample picture at another width, resized by OpenCV."""
    pixels = kmseg.sample_image(key).pixels
    return kmseg.Image(resized(pixels, width))


def resized(pixels: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Pixels at another width, averaged by area."""
    size = (width, int(width / pixels.shape[1] * pixels.shape[0]))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def article_features(pixels: NDArray[np.uint8], color_space: str, channels: str) -> Floats:
    """The second article's samples (N, D), from BGR; kmseg converts to the spaces it lacks."""
    if color_space not in ("bgr", *FROM_BGR):
        return features(pixels.reshape(-1, 3), color_space, channels)
    bgr = np.ascontiguousarray(pixels.reshape(-1, 1, 3)[..., ::-1])
    converted = bgr if color_space == "bgr" else cv2.cvtColor(bgr, FROM_BGR[color_space])
    chosen = [0, 1, 2] if channels == "all" else [int(digit) for digit in channels]
    return np.asarray(converted[..., chosen].reshape(-1, len(chosen)), np.float64)


def squared_distances(X: Floats, centroids: Floats) -> Floats:
    """The squared distance of each sample to each centroid, shape (n, K)."""
    return np.asarray(((X[:, None, :] - centroids[None]) ** 2).sum(axis=2), np.float64)


def nearest(X: Floats, centroids: Floats) -> NDArray[np.intp]:
    """The nearest centroid of each sample; of equally near ones the first."""
    return np.asarray(squared_distances(X, centroids).argmin(axis=1), np.intp)


def tied(X: Floats, centroids: Floats) -> NDArray[np.bool_]:
    """Whether the distances of each sample to its two nearest centroids agree to 1e-9."""
    if len(centroids) == 1:
        return np.zeros(len(X), bool)
    two = np.sqrt(np.partition(squared_distances(X, centroids), 1, axis=1)[:, :2])
    return np.asarray(two[:, 1] - two[:, 0] <= 1e-9 * np.maximum(two[:, 1], 1.0))


def inertia(X: Floats, centroids: Floats) -> float:
    """The sum of squared distances to the nearest centroid."""
    return float(squared_distances(X, centroids).min(axis=1).sum())


class Lloyd(NamedTuple):
    """A result of :func:`lloyd`; `settled` is False if a tie or empty cluster made it ambiguous."""

    centroids: Floats
    labels: NDArray[np.intp]
    n_iter: int
    settled: bool


def lloyd(X: Floats, start: Floats, max_iter: int = 2000, epsilon: float = 0.0) -> Lloyd:
    """Lloyd's algorithm on samples without weights; empty clusters keep their centroid."""
    centroids, settled = start.astype(np.float64), True
    n_iter, step = 0, np.inf
    while n_iter < max_iter and step > epsilon:
        n_iter += 1
        labels = nearest(X, centroids)
        settled = settled and not tied(X, centroids).any()
        present = np.unique(labels)
        settled = settled and len(present) == len(centroids)
        moved = centroids.copy()
        for k in present:
            moved[k] = X[labels == k].mean(axis=0)
        step = float(np.linalg.norm(moved - centroids, axis=1).max())
        centroids = moved
    return Lloyd(centroids, nearest(X, centroids), n_iter, settled)


def largest_move(X: Floats, centroids: Floats) -> float:
    """The largest distance that one more Lloyd step moves a centroid."""
    return float(np.linalg.norm(lloyd(X, centroids, 1).centroids - centroids, axis=1).max())


def best_1d(values: Floats, weights: NDArray[Any], n_clusters: int) -> float:
    """The lowest possible inertia in one dimension, by dynamic programming."""
    order = np.argsort(values)
    x, w = values[order] - values.mean(), weights[order].astype(np.float64)
    mass, first, second = (np.concatenate(([0.0], np.cumsum(w * x**p))) for p in (0, 1, 2))
    i, j = np.triu_indices(len(x) + 1, 1)
    cost = np.full((len(x) + 1, len(x) + 1), np.inf)
    cost[i, j] = second[j] - second[i] - (first[j] - first[i]) ** 2 / (mass[j] - mass[i])
    best = cost[0]
    for _ in range(n_clusters - 1):
        best = np.minimum(best, (best[:, None] + cost).min(axis=0))
    return max(0.0, float(best[-1]))


def renamed(ours: NDArray[Any], theirs: NDArray[Any]) -> NDArray[np.int64]:
    """Our labels renumbered as theirs by greatest overlap; the mapping must be one to one."""
    ours, theirs = ours.ravel().astype(np.int64), theirs.ravel().astype(np.int64)
    table = np.zeros((ours.max() + 1, theirs.max() + 1), np.int64)
    np.add.at(table, (ours, theirs), 1)
    names = table.argmax(axis=1)
    assert len(set(names)) == len(names) == table.shape[1], "the clusters do not match one to one"
    return np.asarray(names[ours])


def assert_same_clusters(ours: NDArray[Any], theirs: NDArray[Any]) -> None:
    """Assert that labels are equal up to the order of clusters."""
    np.testing.assert_array_equal(renamed(ours, theirs), theirs.ravel())


def random_image(seed: int, shape: tuple[int, int], levels: int = 256) -> kmseg.Image:
    """An image of random pixels with this many levels per channel."""
    rng = np.random.default_rng(seed)
    steps = np.linspace(0, 255, levels).astype(np.uint8)
    return kmseg.Image(steps[rng.integers(0, levels, (*shape, 3))])


def with_holes(image: kmseg.Image, seed: int, share: float = 0.2) -> kmseg.Image:
    """The image with a share of its pixels made transparent."""
    rng = np.random.default_rng(seed)
    return kmseg.Image(image.pixels, rng.random(image.pixels.shape[:2]) > share)


def numeral_overlap(
    labels: NDArray[np.integer[Any]], numeral: NDArray[np.bool_], dots: NDArray[np.bool_]
) -> float:
    """The best intersection over union of the numeral with one or two clusters, on the dots."""
    n = int(labels.max()) + 1
    inside = np.bincount(labels[numeral], minlength=n)
    every = np.bincount(labels[dots], minlength=n)

    def iou(some: list[int]) -> float:
        common = inside[some].sum()
        return float(common / (every[some].sum() + inside.sum() - common))

    return max(
        iou(list(some)) for size in (1, 2) for some in itertools.combinations(range(n), size)
    )


def decoded(data: bytes) -> NDArray[np.uint8]:
    """Decode with OpenCV: gray, RGB or RGBA, as the file stores it."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    if pixels.ndim == 3:
        swap = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
        pixels = cv2.cvtColor(pixels, swap)
    return np.asarray(pixels, np.uint8)


def png_chunks(data: bytes) -> list[str]:
    """The types of a PNG's chunks."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    found, start = [], 8
    while start < len(data):
        found.append(data[start + 4 : start + 8].decode())
        start += 12 + int.from_bytes(data[start : start + 4])
    return found
