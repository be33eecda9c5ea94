"""``segment_many``: many pictures from Python."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kmseg.batch.scheduling import Pool, opened
from kmseg.batch.work import How, as_kmseg_error, segmented
from kmseg.errors import KmsegError
from kmseg.picture.limits import DEFAULT_LIMITS, Limits
from kmseg.picture.probe import DEFAULT_READING
from kmseg.picture.reading import Reading
from kmseg.segmentation import Codebook, Segmentation
from kmseg.settings import Settings

if TYPE_CHECKING:
    from distributed import Client

AnyPath = str | os.PathLike[str]


def segment_many(
    paths: Iterable[AnyPath],
    settings: Settings | None = None,
    codebook: Codebook | None = None,
    client: Client | None = None,
    *,
    reading: Reading = DEFAULT_READING,
    limits: Limits = DEFAULT_LIMITS,
    trusted: bool = False,
) -> Iterator[tuple[AnyPath, Segmentation | KmsegError]]:
    """Segment many files, several at a time.

    Parameters
    ----------
    paths : iterable of str or os.PathLike
        Files. Only a bounded number is taken ahead of the results, so it may be of any length.
    settings : Settings, optional
        With a codebook, only their width and tidying count.
    codebook : Codebook, optional
        Clusters to carry over, instead of a fit of each picture.
    client : distributed.Client, optional
        A Dask cluster; its workers need the package and access to the files. By default, threads of
        this process. The client stays open.
    reading : Reading
        Files of more than 8 bits should have levels in common: with ``"auto"``, each is read with
        its own, unless the codebook has some.
    limits : Limits
        The largest picture that is read.
    trusted : bool
        Whether files are decoded in the workers themselves. By default, each is decoded in a
        process with limits on memory and time, for files from strangers.

    Yields
    ------
    tuple of path and Segmentation or KmsegError
        In the order in which they are done, with the path as it was given. One bad file does not
        end the run.

    Raises
    ------
    KmsegError
        The connection to the scheduler is lost.
    """
    if reading.levels == "auto" and codebook is not None and codebook.levels is not None:
        reading = Reading(reading.frame, codebook.levels)
    how = How(settings or Settings(), codebook, reading, limits, trusted)
    with ExitStack() as stack:
        pool = Pool(client) if client is not None else stack.enter_context(opened())
        for path, found in pool.results(partial(_segmented, how, Path.cwd()), paths):
            yield path, found if isinstance(found, Segmentation) else as_kmseg_error(found)


def _segmented(how: How, folder: Path, path: AnyPath) -> Segmentation:
    return segmented(how, os.fspath(folder / path))
