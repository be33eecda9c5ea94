"""Refits for another process, by the version of kmseg that Python finds first.

quality.py starts it once for each version. It reads pickled requests from standard input and
answers on standard output:

- (path, width or None): reads the picture, reduced to that width, and makes its histogram;
- (K, seed, attempts): the seconds of a refit, and the centroids.
"""

from __future__ import annotations

import pickle
import sys
import time
from typing import Any

import kmseg


def main() -> None:
    histogram: Any = None
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer: object = None
        if len(request) == 2:
            path, width = request
            image = kmseg.read_image(path)
            if width and image.width > width:
                image = image.resized(width)
            histogram = kmseg.color_histogram(image)
        else:
            n_clusters, seed, attempts = request
            settings = kmseg.Settings(
                color_space="rgb", n_clusters=n_clusters, attempts=attempts, seed=seed
            )
            start = time.perf_counter()
            centroids = kmseg.segment(histogram, settings).centroids
            answer = time.perf_counter() - start, centroids
        pickle.dump(answer, sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
