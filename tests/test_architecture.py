"""The rules of the code's layout: who may import what, and what lies where."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "kmseg"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TOP_LEVEL = {"README.md", "kmseg", "requirements.txt", "streamlit_app.py", "tests"}

ROW = re.compile(r"^\| `([\w.]+)` \| [^|]+ \| ([`\w. ]*)\|$", re.MULTILINE)


def rooms() -> dict[str, set[str]]:
    """The rooms that each room may import: README's map of the architecture.

    A room is a module, or all modules of a package that are not rooms themselves. ``kmseg`` is the
    package's public face.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = ROW.findall(readme.split("## How it is built")[1])
    named = {room: set(re.findall(r"`([\w.]+)`", imports)) for room, imports in rows}
    named.pop("streamlit_app.py", None)
    public = {"batch", "comparison", "errors", "kmeans", "picture", "histogram", "regions"}
    public |= {"samples", "saved", "segmentation", "settings", "tally", "tracing", "version"}
    return named | {"kmseg": public, "__main__": {"cli"}}


MAY_IMPORT = rooms()

SLOW_TO_IMPORT = {"streamlit", "plotly", "sklearn", "cv2", "numba", "PIL", "pandas"}
DASK = {"dask", "distributed"}
SLOW_TO_IMPORT |= DASK


def room_of(module: str) -> str:
    """The room of MAY_IMPORT that a dotted name within kmseg belongs to; "" if there is none."""
    parts = module.split(".")
    names = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((name for name in names if name in MAY_IMPORT), "")


def module_of(path: Path) -> str:
    """The room that a file belongs to."""
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
    return "kmseg" if name == "__init__" else room_of(name)


def imported_names(path: Path) -> Iterator[str]:
    """Full dotted names of everything a file imports, wherever in the file it does so."""
    package = ["kmseg", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def attributes(path: Path) -> set[str]:
    """Every name that a file takes from something by a dot."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path)))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def own_modules_imported(path: Path) -> set[str]:
    """The rooms of kmseg that a file imports, other than its own."""
    names = [
        name.removeprefix("kmseg").removeprefix(".")
        for name in imported_names(path)
        if name.split(".")[0] == "kmseg"
    ]
    # `from kmseg import x` is the module x where there is one, else a name of the public face.
    return {room_of(name) or "kmseg" for name in names} - {module_of(path)}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_nothing_but_the_agreed_names_lies_at_the_top_level() -> None:
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    try:
        tracked = subprocess.run(command, capture_output=True, text=True).stdout.split("\0")
    except OSError:
        tracked = []
    # A tree without git, or with nothing added yet, is judged by what lies in it.
    listed = [path.name for path in ROOT.iterdir() if path.name != "__pycache__"]
    names = {name.split("/")[0] for name in tracked if name} or set(listed)
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_imports_point_down_only(path: Path) -> None:
    room, imported = module_of(path), own_modules_imported(path)
    wrong = imported - MAY_IMPORT.get(room, set())
    place = room or relative(path)
    assert not wrong, f"{place} may not import {', '.join(sorted(wrong))}: see README's map"


def test_readme_names_no_room_that_is_gone() -> None:
    gone = set(MAY_IMPORT) - {module_of(path) for path in SOURCES}
    assert not gone, f"README names rooms that do not exist: {sorted(gone)}"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_only_the_page_imports_streamlit(path: Path) -> None:
    libraries = {name.split(".")[0] for name in imported_names(path)}
    assert "streamlit" not in libraries or path.relative_to(PACKAGE).parts[0] == "ui"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_only_many_pictures_need_dask(path: Path) -> None:
    libraries = {name.split(".")[0] for name in imported_names(path)}
    assert not libraries & DASK or path.relative_to(PACKAGE).parts[0] == "batch"


def test_rooms_are_listed_from_the_bottom_up() -> None:
    known: set[str] = set()
    for room, imports in MAY_IMPORT.items():
        assert imports <= known, (
            f"{room} imports rooms that README lists below it: {imports - known}"
        )
        known.add(room)


def length(node: ast.AST) -> int:
    """Lines of a function without its docstring."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    first = node.body[0]
    documented = ast.get_docstring(node) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_function_fits_a_screen_and_a_file_has_one_job(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 350, "part it"
    functions = [
        n
        for n in ast.walk(ast.parse(text))
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [f"{node.name}: {length(node)} lines" for node in functions if length(node) > 50]
    assert not long, ", ".join(long)


def test_a_module_of_javascript_has_one_job() -> None:
    sizes = {relative(p): p.read_text(encoding="utf-8").count("\n") for p in PACKAGE.rglob("*.js")}
    assert sizes and {name: size for name, size in sizes.items() if size > 250} == {}


@pytest.mark.parametrize("module", ["kmseg", "kmseg.settings", "kmseg.picture.probe"])
def test_what_a_refusal_needs_loads_no_slow_library(module: str) -> None:
    code = f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert output.returncode == 0, output.stderr
    assert not SLOW_TO_IMPORT & set(json.loads(output.stdout))


def test_every_public_name_exists_and_is_documented() -> None:
    kmseg = importlib.import_module("kmseg")
    assert kmseg.__all__
    for name in kmseg.__all__:
        public = getattr(kmseg, name)
        if inspect.isfunction(public) or inspect.isclass(public):
            assert inspect.getdoc(public), f"kmseg.{name} has no docstring."


def test_pictures_are_never_decoded_by_opencv() -> None:
    # OpenCV sets no limit on the size of what it decodes and ignores colour profiles.
    banned = {"cv2.imread", "cv2.imdecode"}
    for path in SOURCES:
        used = set(imported_names(path)) | {f"cv2.{name}" for name in attributes(path)}
        assert not used & banned, (
            f"{relative(path)}: decode pictures with kmseg.picture.image instead."
        )


def test_the_page_fetches_nothing_from_other_hosts() -> None:
    fetch = re.compile(
        r"""(?:src\s*=|href\s*=|@?import\b|from|fetch\s*\(|url\s*\()\s*[\\"'`(]*\s*(?:https?:)?//\w""",
        re.IGNORECASE,
    )
    files = [p for p in PACKAGE.rglob("*") if p.suffix in {".js", ".mjs", ".css", ".html", ".py"}]
    found = [
        f"{relative(path)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if fetch.search(line) and "<a " not in line
    ]
    assert not found, "\n".join(found)
