"""Workers for many items: threads, processes, or a running Dask cluster, through one executor.

Every scheduler is a ``distributed.Client``, so errors, lost workers and the bound on items in
flight are handled in one place. Local clusters listen on the loopback interface only and serve no
dashboard. Dask is imported when a pool is opened.
"""

from __future__ import annotations

import logging
import multiprocessing.util
import os
import re
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kmseg.batch import stopping
from kmseg.batch.inflight import Run
from kmseg.errors import KmsegError, SettingsError, shown
from kmseg.parallel.threads import N_CORES
from kmseg.version import __version__

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

T = TypeVar("T")
R = TypeVar("R")

THREADS: Final = "threads"
PROCESSES: Final = "processes"
MAX_WORKERS: Final = 1024

# Seconds between two looks at how many threads the cluster has.
_RECOUNT_SECONDS: Final = 5.0
_ADDRESS: Final = re.compile(r"(tcp|tls)://[^\s/]+:\d{1,5}")
PRELOAD: Final = "kmseg.batch.preload"
_CONFIGURATION: Final = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.diagnostics.nvml": False,
    # A task is given back after this many deaths of its worker; `Run` starts it again.
    "distributed.scheduler.allowed-failures": 0,
}


def check(scheduler: str, workers: int | None) -> None:
    """Raise ``SettingsError`` if :func:`opened` would refuse the arguments as they are written."""
    if scheduler not in (THREADS, PROCESSES) and not _ADDRESS.fullmatch(scheduler):
        raise SettingsError(
            f"scheduler: must be {THREADS}, {PROCESSES} or an address such as "
            f"tcp://10.0.0.5:8786, not {shown(scheduler)}"
        )
    if workers is None:
        return
    if not 1 <= workers <= MAX_WORKERS:
        raise SettingsError(f"workers: must be 1 to {MAX_WORKERS}, not {shown(workers)}")
    if scheduler not in (THREADS, PROCESSES):
        raise SettingsError("workers: a running cluster has its own; leave the number out")


@contextmanager
def opened(scheduler: str = THREADS, workers: int | None = None) -> Iterator[Pool]:
    """Workers that last as long as the context.

    Parameters
    ----------
    scheduler : str
        ``"threads"``, ``"processes"``, or the address of a running Dask scheduler, such as
        ``"tcp://10.0.0.5:8786"``. Its workers need this version of the package.
    workers : int, optional
        How many threads or processes; by default one for each core. A running cluster has its own.

    Raises
    ------
    SettingsError
        An argument is not allowed.
    KmsegError
        The cluster does not answer, has no worker, or its workers lack this version of the package.
    """
    check(scheduler, workers)
    import dask
    from distributed import Client, LocalCluster, Worker

    def in_process(*arguments: Any, **options: Any) -> Worker:
        # Otherwise its status server, though it has no pages, listens on every interface.
        return Worker(*arguments, **options | {"dashboard_address": "127.0.0.1:0"})

    with ExitStack() as stack:
        stack.enter_context(_silenced("distributed.client", "asyncio"))
        if scheduler not in (THREADS, PROCESSES):
            yield Pool(stack.enter_context(_connected(scheduler)))
            return
        stack.enter_context(dask.config.set(_CONFIGURATION))
        scratch = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        in_processes = scheduler == PROCESSES
        workers = workers or N_CORES
        cluster = LocalCluster(
            n_workers=workers if in_processes else 1,
            threads_per_worker=1 if in_processes else workers,
            processes=in_processes,
            dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            memory_limit=None,
            local_directory=scratch,
            silence_logs=logging.CRITICAL,
            **(
                {"preload": [f"{__package__}.preload"]}
                if in_processes
                else {"worker_class": in_process}
            ),
        )
        stack.enter_context(cluster)
        stack.enter_context(stopping.at_stop(partial(_end, cluster)))
        yield Pool(stack.enter_context(Client(cluster, set_as_default=False)))


@contextmanager
def _silenced(*names: str) -> Iterator[None]:
    """Keep the messages of loggers off standard error; errors are raised, not only logged."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    """A client of a running cluster, after a check of its workers' version of the package."""
    import dask
    from dask.utils import parse_timedelta
    from distributed import Client

    seconds = parse_timedelta(dask.config.get("distributed.comm.timeouts.connect"))
    try:
        client = Client(address, timeout=seconds, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise KmsegError(
            f"No Dask scheduler answers at {address}; start one with dask scheduler, or check the "
            "address."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=seconds)
            versions = set(client.run(_version).values())
        except TimeoutError as error:
            raise KmsegError(
                f"The cluster at {address} has no worker; start some with dask worker {address}."
            ) from error
        except Exception as error:  # what a worker without the package raises is up to it
            raise KmsegError(
                f"The workers at {address} cannot import kmseg; start them in its folder, or add "
                "that to their PYTHONPATH."
            ) from error
        if versions != {__version__}:
            raise KmsegError(
                f"The workers at {address} have kmseg {', '.join(sorted(versions))}, not "
                f"{__version__}; install the same version everywhere."
            )
        yield client


def _version() -> str:
    return __version__


class Pool:
    """Workers that apply functions to items.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._n_workers, self._counted = 1, 0.0

    @property
    def n_workers(self) -> int:
        """The number of items that are processed at once."""
        if time.monotonic() - self._counted > _RECOUNT_SECONDS:
            with suppress(OSError, TimeoutError):
                self._n_workers = max(1, sum(self._client.nthreads().values()))
            self._counted = time.monotonic()
        return self._n_workers

    def results(
        self, function: Callable[[T], R], items: Iterable[T]
    ) -> Iterator[tuple[T, R | Exception]]:
        """Apply a function to each item; yields results as they are done, in any order.

        Parameters
        ----------
        function : callable
            Must be picklable, and harmless to call twice with an item: after the death of a
            worker its items are started again. With several workers, compiled loops within it use
            one thread each.
        items : iterable
            Picklable; at most a few batches for each worker are taken ahead of the results.

        Yields
        ------
        tuple of item and result
            In place of a result, the exception that the function raised, or ``WorkerDiedError``
            if the worker died repeatedly with this item.

        Raises
        ------
        KmsegError
            The connection to the scheduler is lost and cannot be restored.
        """
        run = Run(self._client, function, lambda: self.n_workers)
        try:
            yield from run.results(iter(items))
        finally:
            run.cancel()


def _end(cluster: LocalCluster) -> None:
    """Kill the worker processes of a local cluster, and wait until they are gone."""
    nannies = [worker for worker in cluster.workers.values() if hasattr(worker, "pid")]
    for nanny in nannies:
        nanny.close_gracefully()  # it would start another worker
    for pid in filter(None, (nanny.pid for nanny in nannies)):
        with suppress(OSError):
            os.kill(pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
            os.waitpid(pid, 0)
    # The process ends without its exit handlers, so semaphores are released here.
    multiprocessing.util._run_finalizers()  # type: ignore[attr-defined]
