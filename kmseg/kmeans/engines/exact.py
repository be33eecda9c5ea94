"""The exact engine: k-means over weighted distinct samples."""

from __future__ import annotations

from typing import Final

from kmseg.kmeans.engines.engine import Engine
from kmseg.kmeans.problem import Fit, Problem


def _run(problem: Problem) -> Fit:
    from kmseg.kmeans.attempts import fit_exact

    return fit_exact(problem)


ENGINE: Final = Engine(
    name="exact",
    title="Exact, every pixel",
    note="",
    visits_pixels=False,
    slow=False,
    preload=True,
    reports_attempts=True,
    reports_iterations=True,
    takes_weights=True,
    own_stop_rule=False,
    run=_run,
)
