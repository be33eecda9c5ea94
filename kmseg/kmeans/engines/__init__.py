"""The engines. To add one, add a file here and an entry in :data:`ENGINES`."""

from __future__ import annotations

from typing import Final

from kmseg.kmeans.engines import exact, lloyd, opencv, scikit_learn
from kmseg.kmeans.engines.engine import Engine

__all__ = ["DEFAULT_ENGINE", "ENGINES", "Engine"]

ENGINES: Final[dict[str, Engine]] = {
    engine.name: engine
    for engine in (exact.ENGINE, lloyd.ENGINE, opencv.ENGINE, scikit_learn.ENGINE)
}
DEFAULT_ENGINE: Final = exact.ENGINE.name
