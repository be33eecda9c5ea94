"""Streamlit's command line, with short intervals in the server, for tests that wait for them.

python tests/hurried.py run streamlit_app.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from streamlit.web import cli
from streamlit.web.server.starlette import starlette_routes

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kmseg.ui.server import hosting

SECONDS: dict[ModuleType, dict[str, float]] = {
    hosting: {"TIDY": 1.0},
    starlette_routes: {"_METRICS_EXPENSIVE_STATS_TTL_SECONDS": 0.0},
}

for module, intervals in SECONDS.items():
    for name, seconds in intervals.items():
        assert getattr(module, name) > seconds  # else it was renamed, and nothing would be shorter
        setattr(module, name, seconds)
cli.main()
