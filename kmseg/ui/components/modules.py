"""The page's JavaScript modules, served by this server.

A component's own script, which Streamlit sends with every message, only loads the component's
module from here. Modules import each other by relative paths. Their address contains a digest of
all modules, so browsers may keep them for good.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kmseg.ui.components.assets import asset

if TYPE_CHECKING:
    from starlette.requests import Request

_PACKAGE: Final = Path(__file__).resolve().parents[2]
_ADDRESS: Final = "kmseg/assets"
_IMPORT: Final = re.compile(r'^import\s[^"]*"(\.[^"]+)"', re.MULTILINE)
_HEADERS: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


@lru_cache
def sources() -> dict[str, str]:
    """Return the text of every JavaScript file of kmseg, by its path below the package."""
    return {
        path.relative_to(_PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(_PACKAGE.rglob("*.js"))
    }


@lru_cache
def version() -> str:
    """Return a digest of all modules."""
    return hashlib.blake2b(json.dumps(sources()).encode(), digest_size=8).hexdigest()


def imports(path: str) -> list[str]:
    """Return the modules that a module imports directly."""
    names = _IMPORT.findall(sources()[path])
    return [posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) for name in names]


def graph(path: str) -> list[str]:
    """Return a module and all modules that it imports, directly or not; itself first."""
    found = [path]
    for module in found:
        found += [imported for imported in imports(module) if imported not in found]
    return found


def bootstrap(component: str) -> str:
    """Return the script of a component, which loads its module and passes calls on to it.

    Parameters
    ----------
    component : str
        Name of the component's folder.
    """
    modules = graph(f"ui/components/{component}/{component}.js")
    addresses = [f"{_ADDRESS}/{version()}/{path}" for path in modules]
    return f"const MODULES = {json.dumps(addresses)}\n{asset('shared/bootstrap.js')}"


async def _serve(request: Request) -> Response:
    source = sources().get(request.path_params["path"])
    if source is None or request.path_params["version"] != version():
        return PlainTextResponse("There is no such module in this version.", 404)
    return Response(source, media_type="text/javascript", headers=_HEADERS)


# Streamlit does not put an app's own routes below `server.baseUrlPath`, so match any base path.
ROUTES: Final = [
    Route(f"{base}/{_ADDRESS}/{{version}}/{{path:path}}", _serve) for base in ("", "/{base:path}")
]
