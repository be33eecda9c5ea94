"""The exact engine: k-means over weighted distinct samples."""

from __future__ import annotations

from typing import Final

from kmseg.kmeans.engines.engine import Engine
from kmseg.kmeans.problem import Fit, Problem
from kmseg.parallel.threads import interruptible


def _run(problem: Problem) -> Fit:
    from kmseg.kmeans.attempts import fit_exact

    return interruptible(
        lambda report: fit_exact(problem._replace(progress=report)), problem.progress
    )


ENGINE: Final = Engine(
    name="exact",
    title="Exact, every pixel",
    note="",
    visits_pixels=False,
    takes_weights=True,
    own_stop_rule=False,
    run=_run,
)
