"""The components' JavaScript modules, served by this server as one script.

A component's own script, which Streamlit sends with every message, only loads this script and calls
the component. One request loads the modules of all components; with a request for each module, the
first picture came 8 % later on a busy machine. The address contains a digest, so browsers may cache
the script.
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
_HEADERS: Final = {"Cache-Control": "public, max-age=31536000, immutable"}

# The forms of import and export that the modules may use, each at the start of a line.
_NAMES: Final = r"\{(?:\s*\w+,)*\s*\w+,?\s*\}"
_IMPORT: Final = re.compile(rf'^import ({_NAMES}) from "(\.[^"]+)"$', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:const|class|function) (\w+))", re.MULTILINE)
_EXPORTS: Final = re.compile(rf"^export ({_NAMES})$", re.MULTILINE)
_DEFAULT: Final = re.compile(r"^export default (?!function|class)", re.MULTILINE)
_OTHER: Final = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


@lru_cache
def sources() -> dict[str, str]:
    """Return the text of every JavaScript file of kmseg, by its path below the package."""
    return {
        path.relative_to(_PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(_PACKAGE.rglob("*.js"))
    }


def components() -> dict[str, str]:
    """Return the path of each component's module, by the component's name."""
    matches = (re.fullmatch(r"ui/components/(\w+)/\1\.js", path) for path in sources())
    return {match[1]: match[0] for match in matches if match}


def in_order(files: dict[str, str], *paths: str) -> list[str]:
    """Return modules and all their imports in topological order: imports first.

    Parameters
    ----------
    files : dict of str to str
        Text of each module by its path.
    paths : str
        The modules to start from.

    Raises
    ------
    ValueError
        If modules import each other in a circle.
    """
    found: list[str] = []

    def visit(path: str, importers: tuple[str, ...]) -> None:
        if path in importers:
            raise ValueError(f"Modules import each other: {', '.join((*importers, path))}.")
        if path not in found:
            for _, name in _IMPORT.findall(files[path]):
                visit(_resolve(path, name), (*importers, path))
            found.append(path)

    for path in paths:
        visit(path, ())
    return found


def _resolve(path: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def as_function(path: str, source: str) -> str:
    """Turn a module into a statement that sets ``modules[path]`` to an object of its exports.

    Parameters
    ----------
    path : str
    source : str
        Supported forms are ``import { a, b } from "./c.js"``, ``export const``, ``export class``,
        ``export function``, ``export { a, b }`` and ``export default`` of an expression.

    Raises
    ------
    ValueError
        If the module uses an unsupported form.
    """
    listed = re.findall(r"\w+", " ".join(_EXPORTS.findall(source)))
    exported = _EXPORT.findall(source) + listed
    if _DEFAULT.search(source):
        exported.append("default: defaultExport")
    body = _IMPORT.sub(
        lambda found: f"const {found[1]} = modules[{json.dumps(_resolve(path, found[2]))}]", source
    )
    body = _DEFAULT.sub("const defaultExport = ", _EXPORTS.sub("", _EXPORT.sub("", body)))
    if other := _OTHER.search(body):
        raise ValueError(
            f"{path} uses a form of import or export that is not supported: {other[0]}"
        )
    exports = f"return {{ {', '.join(exported)} }}"
    return f"modules[{json.dumps(path)}] = (() => {{\n{body}\n{exports}\n}})()"


@lru_cache
def bundle(*names: str) -> str:
    """Return the script, which exports ``components``, an object of functions by name.

    Parameters
    ----------
    names : str
        The components; by default all.
    """
    named = {name: path for name, path in components().items() if name in names or not names}
    statements = [
        as_function(path, sources()[path]) for path in in_order(sources(), *named.values())
    ]
    entries = [f"  {name}: modules[{json.dumps(path)}].default," for name, path in named.items()]
    return "\n".join(
        ["const modules = {}", *statements, "export const components = {", *entries, "}", ""]
    )


@lru_cache
def address() -> str:
    """Return the script's address below the server's root."""
    digest = hashlib.blake2b(bundle().encode(), digest_size=8).hexdigest()
    return f"{_ADDRESS}/{digest}.js"


def bootstrap(component: str) -> str:
    """Return a component's own script, which loads the bundle and calls the component.

    Parameters
    ----------
    component : str
        Name of the component's folder.
    """
    definitions = {"BUNDLE": address(), "COMPONENT": component}
    lines = [f"const {name} = {json.dumps(value)}" for name, value in definitions.items()]
    return "\n".join([*lines, asset("shared/bootstrap.js")])


async def _serve(request: Request) -> Response:
    if f"{_ADDRESS}/{request.path_params['name']}" != address():
        return PlainTextResponse("There is no such script in this version.", 404)
    return Response(bundle(), media_type="text/javascript", headers=_HEADERS)


# Streamlit does not put an app's own routes below `server.baseUrlPath`, so match any base path.
ROUTES: Final = [Route(f"{base}/{_ADDRESS}/{{name}}", _serve) for base in ("", "/{base:path}")]
