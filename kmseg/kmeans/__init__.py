"""k-means on plain arrays: seeding, exact Lloyd iterations, and two reference engines.

Nothing here knows that its samples are colours.
"""

from kmseg.kmeans.api import Clustering, distinct_rows, fit

__all__ = ["Clustering", "distinct_rows", "fit"]
