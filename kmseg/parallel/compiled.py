"""Numba's compiler with a cache on disk that may be read-only, missing or damaged.

``@njit(cache=True)`` raises an error where no folder can be written to, or where a file of the
cache is damaged. ``@compiled()`` then tries the next folder, and if none works it does without a
cache. Compiled code is loaded from the first of these folders that has it, and saved in the first
that can be written to.

1. ``NUMBA_CACHE_DIR`` if it is set, else ``__pycache__`` beside the source, as Numba does.
2. A folder of the user in the system's folder for temporary files.

Loading compiled code executes it. The second folder is used only if no other user could have
written to it; the first is trusted as far as the package itself is.

Every entry is one file: a SHA-256 checksum, then the pickled :class:`_Entry`. An entry is renamed
into place when it is complete, so processes that share a folder do not disturb each other.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import os
import pickle
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from uuid import uuid4

import numba
import numpy as np
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps
from numpy.typing import NDArray

_LOG: Final = logging.getLogger("kmseg")
_NUMBA: Final[Any] = numba.config  # what NUMBA_... in the environment says
_CHECKSUM_BYTES: Final = 32

T = TypeVar("T", bound=np.generic)


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a function to be compiled on first use, run without the GIL, and cached.

    Parameters
    ----------
    **options
        Of ``numba.njit``.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(nogil=True, **options)(function)
        if not _NUMBA.DISABLE_JIT:
            dispatcher._cache = _Cache(function)
        return dispatcher

    return decorate


# For functions that only compiled functions call. They become part of their callers, which is
# faster to run and to load, and need no cache entry of their own.
inlined: Final = partial(
    numba.njit, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True
)


def read_only(array: NDArray[T]) -> NDArray[T]:
    """A read-only, contiguous form of an array: functions are compiled again for writable ones."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


class _Entry(NamedTuple):
    """One compiled signature of a function.

    Attributes
    ----------
    key : tuple
        Function, signature, processor, and versions of Numba and Python.
    stamp : bytes
        See :func:`_source_stamp`.
    code : tuple
        What ``CompileResult._reduce`` returns.
    """

    key: tuple[Any, ...]
    stamp: bytes
    code: tuple[Any, ...]


class _Cache(NullCache):
    """The cache of one function, with the methods that Numba's dispatcher calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._source = Path(inspect.getfile(function)).absolute()

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The compiled code of a signature; None if there is no intact entry."""
        target_context.refresh()
        key = self._key(signature, target_context.codegen())
        for folder in _folders(self._source.parent):
            path = folder / self._file_name(key)
            try:
                content = path.read_bytes()
                data = memoryview(content)[_CHECKSUM_BYTES:]
                if hashlib.sha256(data).digest() != content[:_CHECKSUM_BYTES]:
                    continue
                entry = pickle.loads(data)
                if entry.key == key and entry.stamp == _source_stamp(self._function.__module__):
                    rebuild: Any = CompileResult._rebuild
                    return rebuild(target_context, *entry.code)
            except Exception as error:  # whatever is wrong with it, compiling replaces it
                _LOG.debug("%s: %r", path, error)
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Save compiled code in the first folder that can be written to."""
        if result.lifted or result.library.has_dynamic_globals:  # it contains addresses
            return
        key = self._key(signature, result.codegen)
        content, failure = b"", None
        for folder in _folders(self._source.parent, create=True):
            try:
                content = content or self._content(key, result)
                folder.mkdir(parents=True, exist_ok=True)
                _write(folder / self._file_name(key), content)
            except OSError as error:
                failure = failure or error
            else:
                if failure:
                    _tell(failure, f"it is cached in {folder}")
                return
        _tell(failure, "every start compiles it again; set NUMBA_CACHE_DIR to a writable folder")

    def _content(self, key: tuple[Any, ...], result: Any) -> bytes:
        entry = _Entry(key, _source_stamp(self._function.__module__), result._reduce())
        data: bytes = dumps(entry)  # type: ignore[no-untyped-call]
        return hashlib.sha256(data).digest() + data

    def _key(self, signature: Any, codegen: Any) -> tuple[Any, ...]:
        function = self._function.__module__, self._function.__qualname__
        versions = numba.__version__, sys.implementation.cache_tag
        return (*function, signature, codegen.magic_tuple(), versions)

    def _file_name(self, key: tuple[Any, ...]) -> str:
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return f"{self._source.stem}.{self._function.__qualname__}.{digest}.nbc"


@cache
def _source_stamp(module_name: str) -> bytes:
    """A hash of a module's source and of the modules whose compiled functions it uses."""
    module = sys.modules[module_name]
    stamp = hashlib.sha256(Path(inspect.getfile(module)).read_bytes())
    jitted = filter(numba.extending.is_jitted, vars(module).values())
    for used in sorted({function.py_func.__module__ for function in jitted} - {module_name}):
        stamp.update(_source_stamp(used))
    return stamp.digest()


def _folders(source: Path, create: bool = False) -> Iterator[Path]:
    """The folders for the cache of the modules in a folder, best first."""
    own = f"{source.name}-{hashlib.sha256(os.fsencode(source)).hexdigest()[:16]}"
    yield Path(_NUMBA.CACHE_DIR, own) if _NUMBA.CACHE_DIR else source / "__pycache__"
    try:
        folder = Path(tempfile.gettempdir(), f"kmseg-{getattr(os, 'getuid', int)()}")
        if create:
            folder.mkdir(mode=0o700, exist_ok=True)
        if _is_private(folder):
            yield folder / own
    except OSError as error:
        _LOG.debug("no folder for temporary files: %s", error)


def _is_private(folder: Path) -> bool:
    """Whether no user but this one and root could have written to a folder, or replaced it."""
    if not hasattr(os, "getuid"):  # Windows, where every user has a folder for temporary files
        return True
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        return False
    above = [parent.stat() for parent in folder.resolve().parents]
    return all(
        status.st_uid in (0, os.getuid())
        and (not status.st_mode & 0o022 or status.st_mode & stat.S_ISVTX)
        for status in above
    )


def _write(path: Path, content: bytes) -> None:
    """Write a file that other processes see complete or not at all."""
    unfinished = path.with_name(f"{path.name}.tmp.{uuid4().hex[:16]}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise


def _tell(failure: OSError | None, instead: str) -> None:
    """Warn, once per process, that compiled code is not cached where it should be."""
    global _told
    if not _told:
        _LOG.warning("kmseg cannot cache its compiled code (%s): %s", failure, instead)
    _told = True


_told = False
