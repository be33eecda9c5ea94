"""k-means on plain arrays: seeding, exact Lloyd iterations, and two reference engines.

Nothing here knows that its samples are colours.
"""

from kmseg.kmeans.api import Clustering, distinct_rows, fit
from kmseg.kmeans.lloyd import Progress

__all__ = ["Clustering", "Progress", "distinct_rows", "fit"]
