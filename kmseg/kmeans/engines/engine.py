"""The description of an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kmseg.kmeans.problem import Fit, Problem


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to run k-means.

    Attributes
    ----------
    name : str
        Its name in settings, links and on the command line.
    title : str
        Its name on the page.
    note : str
        One or two sentences for users on how it differs from the default engine; may be empty.
    visits_pixels : bool
        Whether it clusters every pixel instead of every distinct colour. The page gives such an
        engine a reduced picture.
    slow : bool
        Whether a fit may take seconds to minutes. The page then limits the number of attempts, and
        shows the progress and a way to stop it.
    preload : bool
        Whether the page's server loads it in the background before its first use; not for a
        library that takes seconds to import or much memory.
    reports_attempts : bool
        Whether ``Fit.inertias`` has the inertia of each attempt; otherwise only the best attempt is
        reported.
    reports_iterations : bool
        Whether ``Fit.n_iter`` and ``Fit.converged`` are known.
    takes_weights : bool
        Whether samples may have weights.
    own_stop_rule : bool
        Whether it uses a tolerance of its own instead of epsilon.
    run : callable
        ``run(problem) -> Fit``. Ctrl-C must end it within a second, so a library call that takes
        longer goes through :func:`kmseg.parallel.threads.interruptible`. Slow imports are made when
        it is called.
    aliases : tuple of str
        Other names that are accepted.
    """

    name: str
    title: str
    note: str
    visits_pixels: bool
    slow: bool
    preload: bool
    reports_attempts: bool
    reports_iterations: bool
    takes_weights: bool
    own_stop_rule: bool
    run: Callable[[Problem], Fit] = field(repr=False, compare=False)
    aliases: tuple[str, ...] = ()
