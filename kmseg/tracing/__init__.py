"""Plain Lloyd on a picture: a run step by step, and runs from different seeds."""

from __future__ import annotations

from kmseg.tracing.runs import Run, Runs
from kmseg.tracing.steps import Trace, trace

__all__ = ["Run", "Runs", "Trace", "trace"]
