"""The views of the page. To add one, add a file here and an entry in :data:`VIEWS`."""

from __future__ import annotations

from typing import Final

from kmseg.ui.views import (
    attempts,
    cloud,
    clusters,
    code,
    download,
    ladder,
    lessons,
    pictures,
    pins,
    regions,
    residual,
    sheet,
    steps,
)
from kmseg.ui.views.view import View

__all__ = ["FORMER_VIEWS", "VIEWS", "View"]

# In the order of the page; the first is the default.
VIEWS: Final[dict[str, View]] = {
    view.key: view
    for view in (
        clusters.VIEW,
        cloud.VIEW,
        sheet.VIEW,
        ladder.VIEW,
        residual.VIEW,
        steps.VIEW,
        attempts.VIEW,
        lessons.VIEW,
        pins.VIEW,
        pictures.VIEW,
        regions.VIEW,
        download.VIEW,
        code.VIEW,
    )
}

# Values of "view" in older links, and the parameters that now replace them.
FORMER_VIEWS: Final[dict[str, dict[str, str]]] = {
    "take-away": {"view": download.VIEW.key},
    "hue": {"view": sheet.VIEW.key, sheet.SHOWN.name: "hue"},
}
