"""A TIFF that is larger than memory: ``--trusted``, and what can be saved of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kmseg.cli import options, reading, saving
from kmseg.cli.streams import note, quoted
from kmseg.errors import ImageError, KmsegError, SettingsError
from kmseg.output import export
from kmseg.parallel.threads import as_made
from kmseg.picture.limits import Limits
from kmseg.picture.reading import Reading
from kmseg.settings import Settings
from kmseg.streaming import LargePicture, check, find_claims, segment_large, write_labels

if TYPE_CHECKING:
    from kmseg.kmeans import Progress
    from kmseg.segmentation import Segmentation
    from kmseg.streaming.segment import Run

_LABELS: Final = "labels"
_KINDS: Final = (_LABELS, "counts", "settings", "palette-gpl", "palette-css", "palette-json")


def opened(source: str, limits: Limits, how: Reading) -> LargePicture | None:
    """The picture of ``-i`` if it is read part by part; None if it is read into memory.

    Raises
    ------
    KmsegError
        It is a TIFF that is too large or damaged; the message names the option.
    """
    if not Path(source).is_file():  # a pipe, or a sample
        return None
    with _reading(source):
        claims = find_claims(source, limits, how)
        return LargePicture(claims) if claims is not None and claims.is_large else None


class _Kinds(saving.Kinds):
    """The files of a picture that is read part by part."""

    def whole(self, kind: str) -> export.Download:
        download = saving.Kinds.whole(self, kind)
        return replace(download, suffix="_labels.tif") if kind == _LABELS else download


@dataclass(frozen=True, slots=True)
class PlanInParts(saving.Plan):
    """What to save of a picture that is read part by part, and where.

    Attributes
    ----------
    picture : LargePicture
    run : callable
        Applies a function to each part.
    """

    picture: LargePicture
    run: Run = as_made

    @classmethod
    def of(cls, plan: saving.Plan, picture: LargePicture) -> PlanInParts:
        """The same files of this picture."""
        values = _values(plan) | {"kinds": _Kinds(**_values(plan.kinds))}
        return cls(**values, picture=picture)

    def check(self, settings: Settings) -> None:
        """Refuse what could not be made or saved; raises ``KmsegError``, which names the option."""
        others = [f"--save {kind}" for kind in self.kinds.names if kind not in _KINDS]
        others += ["--labels"] * bool(self.labels) + ["-o"] * bool(self.side_by_side)
        if others:
            raise KmsegError(
                f"{others[0]}: needs the whole picture in memory, and this one is read part by "
                f"part; --save has {', '.join(_KINDS)} of it"
            )
        try:
            check(settings)
        except SettingsError as error:
            raise KmsegError(options.by_option(str(error))) from error
        with _reading(self.source):
            self.picture.open()
        saving.Plan.check(self, settings)

    def segmented(
        self, settings: Settings, run: Run, progress: Progress | None
    ) -> tuple[PlanInParts, Segmentation]:
        """The segmentation of the picture, and the plan for saving it."""
        with _reading(self.source):
            picture, seg = segment_large(
                self.picture, settings, self.codebook, run=run, progress=progress
            )
        for line in () if seg.origin is None else seg.origin.notes:
            note(line)
        return replace(self, picture=picture, run=run), seg

    def save(self, seg: Segmentation) -> Iterator[Path]:
        """Save all files; yields the path of each; raises ``KmsegError`` as ``check`` does."""
        context = export.Context(reading.name(self.source))
        for kind in self.kinds.names:
            flag, download = f"--save {kind}", self.kinds.whole(kind)
            path = self.folder / export.file_name(seg, context.picture, download)
            if kind == _LABELS:
                self._write_labels(flag, path, seg)
            else:
                self._write(flag, path, download.make(seg, context))
            yield path

    def _write_labels(self, flag: str, path: Path, seg: Segmentation) -> None:
        with self._writing(flag, path) as file:
            try:
                write_labels(self.picture, seg, file, run=self.run)
            except ImageError as error:
                raise KmsegError(f"-i: {error}") from error


def _values(instance: Any) -> dict[str, Any]:
    return {field.name: getattr(instance, field.name) for field in fields(instance)}


@contextmanager
def _reading(source: str) -> Iterator[None]:
    """Have messages about the picture name its option."""
    try:
        yield
    except ImageError as error:
        raise KmsegError(f"-i: {error}") from error
    except OSError as error:
        reason = error.strerror or error
        raise KmsegError(f"-i: {quoted(source)} cannot be read ({reason})") from error
