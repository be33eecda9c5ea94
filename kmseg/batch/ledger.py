"""The ledger of a folder of results: what is whole, and the tables made of it at the end.

Each finished picture is a line of JSON that is appended to a hidden file, so an interrupted run
loses nothing finished. A line counts if the picture, the settings and the saved files are still
the same. The tables are sorted by picture, so they do not depend on the order of the work.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from kmseg.batch.work import Entry, NoRoomError, Task
from kmseg.errors import KmsegError
from kmseg.output import files
from kmseg.output.encode import json_bytes

JOURNAL: Final = ".kmseg-journal"
COUNTS, ERRORS, SUMMARY = "counts.csv", "errors.csv", "summary.json"


class Ledger:
    """The journal of a folder of results, open for one run.

    Parameters
    ----------
    out : Path
        The folder; it is made if it is missing.
    options : str
        Digits that differ for different settings of the run.
    resume : bool
        Whether to go on with the journal of an earlier run.
    force : bool
        Whether results of an earlier run may be replaced.

    Raises
    ------
    KmsegError
        The folder has results and neither argument is true, or those of other settings, or another
        run is writing to it.
    """

    def __init__(self, out: Path, options: str, *, resume: bool, force: bool) -> None:
        self._out, self._name = out, repr(str(out))
        self._places: dict[str, int] = {}  # where the line of a picture begins
        self._columns: dict[str, None] = {}  # of the table of counts, in their order
        self._begun = 0
        self._file = self._opened()
        try:
            self._lock()
            if resume:
                self._load(options, force)
            elif self._file.seek(0, os.SEEK_END) and not force:
                raise KmsegError(
                    f"--out: {self._name} has the results of an earlier run; add --resume to go "
                    "on, or --force to begin again"
                )
            if not self._places:
                self._begin(options)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the journal, which ends the claim to the folder."""
        self._file.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the journal -------------------------------------------------------------------------------

    @property
    def begun(self) -> int:
        """When a new run began, in ns, by the clock of the file system."""
        return self._begun

    def add(self, entry: Entry) -> None:
        """Note a picture after its files are saved; raises ``NoRoomError``."""
        self._places[entry.picture] = self._append(entry.to_json())
        self._note_columns(entry.rows)

    def note(self, key: str, value: Any) -> None:
        """Keep a value of the whole run, such as its shared palette; raises ``NoRoomError``."""
        self._places[_note_key(key)] = self._append(json.dumps({"note": key, "value": value}))

    def noted(self, key: str) -> Any:
        """The last value that was noted under this key, or None."""
        place = self._places.get(_note_key(key))
        return None if place is None else self._line(place)["value"]

    def is_whole(self, task: Task) -> bool:
        """Whether a picture was finished in the same way, and its files are still there."""
        place = self._places.get(task.source.name)
        if place is None:
            return False
        line = self._line(place)
        try:
            status = Path(task.source.path).stat()
            whole = (
                [status.st_size, status.st_mtime_ns] == [line["size"], line["modified"]]
                and line["digest"] == task.digest
                and all((self._out / name).stat().st_size == size for name, size in line["files"])
            )
        except OSError:
            return False
        if whole:
            self._note_columns(line["rows"])
        return whole

    def _opened(self) -> BinaryIO:
        try:
            self._out.mkdir(parents=True, exist_ok=True)
            return (self._out / JOURNAL).open("ab+", buffering=0)
        except OSError as error:
            raise KmsegError(
                f"--out: no file can be written to the folder {self._name} "
                f"({error.strerror or error}); choose another one"
            ) from error

    def _lock(self) -> None:
        """Claim the folder for this process, where the system can."""
        try:
            import fcntl

            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KmsegError(
                f"--out: another run is writing to {self._name}; wait for its end, or choose "
                "another folder"
            ) from None
        except (ImportError, OSError):  # Windows, or a file system without locks
            pass

    def _begin(self, options: str) -> None:
        self._file.truncate(0)
        self._append(json.dumps({"options": options}))
        self._begun = os.fstat(self._file.fileno()).st_mtime_ns

    def _load(self, options: str, force: bool) -> None:
        end = 0
        with (self._out / JOURNAL).open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):  # cut short by the end of a run
                    break
                value = json.loads(line)
                if value.get("options", options) != options and not force:
                    raise KmsegError(
                        f"--out: {self._name} has results of other settings; give the same "
                        "ones, or choose another folder"
                    )
                if "options" not in value:
                    key = _note_key(value["note"]) if "note" in value else value["picture"]
                    self._places[key] = end
                end += len(line)
        self._file.truncate(end)

    def _append(self, line: str) -> int:
        place = self._file.seek(0, os.SEEK_END)
        content = line.encode(errors="surrogatepass") + b"\n"
        try:
            written = self._file.write(content)
            if written != len(content):
                raise OSError("it is full")
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(place)
            reason = error.strerror or error
            raise NoRoomError(f"{JOURNAL} cannot be written ({reason})") from error
        return place

    def _line(self, place: int) -> dict[str, Any]:
        self._file.seek(place)
        line = bytearray()
        while not line.endswith(b"\n"):
            line += self._file.read(1 << 14)
            cut = line.find(b"\n")
            if cut >= 0:
                del line[cut + 1 :]
        value: dict[str, Any] = json.loads(line)
        return value

    def _note_columns(self, rows: Sequence[dict[str, Any]]) -> None:
        self._columns.update(dict.fromkeys(rows[0]))

    # -- the tables --------------------------------------------------------------------------------

    def write_tables(
        self,
        names: Iterable[str],
        failures: dict[str, str],
        summary: dict[str, Any],
        times: dict[str, Any],
    ) -> list[Path]:
        """Write the tables of a run; returns their paths.

        Parameters
        ----------
        names : iterable of str
            The pictures that are whole, sorted.
        failures : dict of str to str
            What is wrong with each of the others.
        summary, times : dict
            What is known of the whole run. The summary has the totals over all pictures between
            the two.

        Raises
        ------
        NoRoomError
            The disk is full.
        """
        totals = _Totals()
        counts, errors = self._out / COUNTS, self._out / ERRORS
        try:
            with files.writing(counts, overwrite=True) as file:
                _write_row(file, ["picture", *(c.replace("\u00b7", "*") for c in self._columns)])
                for entry in map(self._line, map(self._places.__getitem__, names)):
                    totals.add(entry)
                    for row in entry["rows"]:
                        values = (row.get(column, "") for column in self._columns)
                        _write_row(file, [entry["picture"], *values])
            if failures:
                with files.writing(errors, overwrite=True) as file:
                    _write_row(file, ["picture", "error"])
                    for name, error in sorted(failures.items()):
                        _write_row(file, [name, error])
            else:
                errors.unlink(missing_ok=True)
            content = json_bytes(summary | totals.values | times)
            files.write(self._out / SUMMARY, content, overwrite=True)
        except OSError as error:
            raise NoRoomError(
                f"the tables cannot be written ({error.strerror or error})"
            ) from error
        return [counts, *([errors] if failures else []), self._out / SUMMARY]


class _Totals:
    """Sums over all pictures; those by cluster mean something if the clusters were carried over."""

    def __init__(self) -> None:
        self._pixels = 0
        self._inertia: list[float] = []
        self._n_pictures = 0
        self._by_cluster: dict[str, int] = {}

    def add(self, line: dict[str, Any]) -> None:
        self._n_pictures += 1
        self._pixels += line["pixels"]
        self._inertia.append(line["inertia"])
        for row in line["rows"]:
            name = str(row["cluster"])
            self._by_cluster[name] = self._by_cluster.get(name, 0) + row["pixels"]

    @property
    def values(self) -> dict[str, Any]:
        """Sums are rounded to nine digits: the last bits differ between types of CPU."""
        return {
            "pictures": self._n_pictures,
            "pixels": self._pixels,
            "inertia": float(f"{math.fsum(self._inertia):.9g}"),
            "pixels_by_cluster": self._by_cluster,
        }


def _write_row(file: BinaryIO, values: Iterable[Any]) -> None:
    """A row as CSV (RFC 4180) with a decimal point, in UTF-8."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)
    file.write(text.getvalue().encode(errors="backslashreplace"))


def _note_key(key: str) -> str:
    return f"\0{key}"  # no path has this character
