"""Plain Lloyd, for teaching: what textbooks describe, over all distinct samples.

There is no summary and no search: every attempt starts from seeds of its own, which
:mod:`kmseg.kmeans.plain` documents so that another program can repeat them, and is run to its end.
Of several nearest centroids, a sample takes the first. A centroid moves to the mean of its samples;
an empty cluster takes the sample furthest from its centroid, with all its weight, as in the exact
engine and in scikit-learn. One column is treated as any other number: the result need not be the
global optimum.
"""

from __future__ import annotations

from typing import Final

from kmseg.kmeans.engines.engine import Engine
from kmseg.kmeans.problem import Fit, Problem


def _run(problem: Problem) -> Fit:
    from kmseg.kmeans.plain import fit_lloyd

    return fit_lloyd(problem)


ENGINE: Final = Engine(
    name="lloyd",
    title="Lloyd, for teaching",
    note="Plain k-means over all colours: no summary and no search, and every attempt is run to "
    "its end.",
    visits_pixels=False,
    slow=True,
    preload=True,
    reports_attempts=True,
    reports_iterations=True,
    takes_weights=True,
    own_stop_rule=False,
    run=_run,
)
