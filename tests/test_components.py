"""The page's components: what Python and JavaScript have to agree on, and the served modules."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from streamlit.testing.v1 import AppTest

from kmseg.output import export
from kmseg.ui import link
from kmseg.ui.components import modules
from kmseg.ui.components.album.album import AlbumData, AlbumPicture
from kmseg.ui.components.assets import style_sheet
from kmseg.ui.components.attempts.attempts import AttemptsData, AttemptTile
from kmseg.ui.components.attempts.attempts import Entry as AttemptEntry
from kmseg.ui.components.cloud.cloud import CloudData, Paint
from kmseg.ui.components.compare.compare import CompareData, ComparePane
from kmseg.ui.components.curves.curves import Curve, CurvesData
from kmseg.ui.components.distribution.distribution import DistributionData, Strip
from kmseg.ui.components.gallery.gallery import Entry, GalleryData, GalleryTile
from kmseg.ui.components.lesson.lesson import LessonData, LessonLink
from kmseg.ui.components.lessons.lessons import LessonEntry, LessonsData
from kmseg.ui.components.navigation.navigation import NavigationData
from kmseg.ui.components.objects.objects import Fillable, ObjectCluster, ObjectsData
from kmseg.ui.components.share.share import ShareData
from kmseg.ui.components.steps.steps import Preview, StepsData
from kmseg.ui.components.table.table import Column, Row, TableData
from kmseg.ui.components.viewer.viewer import (
    Verb,
    ViewerData,
    ViewerFile,
    ViewerNearest,
    ViewerRegion,
    ViewerSpace,
    ViewerUnits,
)
from kmseg.ui.records import Refusal

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "kmseg" / "ui" / "components"
COMPONENTS = [
    "album",
    "attempts",
    "cloud",
    "compare",
    "curves",
    "distribution",
    "gallery",
    "lesson",
    "lessons",
    "navigation",
    "objects",
    "share",
    "steps",
    "table",
    "viewer",
]

# What is sent: record, component, and the name of the JavaScript variable that holds it.
RECORDS: list[tuple[type, str, str]] = [
    (AlbumData, "album", "data"),
    (AlbumPicture, "album", "picture"),
    (Refusal, "album", "refusal"),
    (AttemptsData, "attempts", "data"),
    (AttemptTile, "attempts", "tile"),
    (CloudData, "cloud", "data"),
    (CompareData, "compare", "data"),
    (ComparePane, "compare", "pane"),
    (CurvesData, "curves", "data"),
    (Curve, "curves", "chart"),
    (DistributionData, "distribution", "data"),
    (Strip, "distribution", "strip"),
    (GalleryData, "gallery", "data"),
    (GalleryTile, "gallery", "tile"),
    (LessonData, "lesson", "data"),
    (LessonLink, "lesson", "link"),
    (LessonEntry, "lessons", "entry"),
    (LessonsData, "lessons", "data"),
    (NavigationData, "navigation", "data"),
    (ObjectsData, "objects", "data"),
    (ObjectCluster, "objects", "cluster"),
    (Fillable, "objects", "fillable"),
    (ShareData, "share", "data"),
    (StepsData, "steps", "data"),
    (Preview, "steps", "preview"),
    (TableData, "table", "data"),
    (Column, "table", "column"),
    (Row, "table", "row"),
    (ViewerData, "viewer", "data"),
    (ViewerNearest, "viewer", "nearest"),
    (ViewerRegion, "viewer", "region"),
    (ViewerSpace, "viewer", "space"),
    (ViewerFile, "viewer", "file"),
    (ViewerUnits, "viewer", "units"),
]
NOT_SENT = {AttemptEntry, Entry}


def javascript(component: str) -> str:
    """The modules of a component, without comments and strings."""
    text = "\n".join(path.read_text() for path in sorted((FOLDER / component).glob("*.js")))
    skipped = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
    return skipped.sub(lambda found: '""' if found[0].startswith('"') else "", text)


def keys_read(source: str, variable: str) -> set[str]:
    """The properties that a script reads from a variable, by a dot or by destructuring."""
    # `data`, `this.data`, `...data`, but not `image.data`.
    name = rf"(?:(?<![\w.$])|(?<=\bthis\.)|(?<=\.{{3}})){variable}\b"
    keys = set(re.findall(rf"{name}\??\.(\w+)", source))
    parameter = rf"\b{variable}: \{{([^{{}}]*)\}}"  # ({ data: { label } }) => ...
    assignment = rf"\{{([^{{}}]*)\}}\s*=\s*(?:this\.)?{name}(?![\w.(\[?])"
    for pattern in (parameter, assignment):
        for inside in re.findall(pattern, source):
            keys |= {re.split(r"[:=]", item)[0].strip() for item in inside.split(",")} - {""}
    return keys


def names(record: type) -> set[str]:
    assert is_dataclass(record)
    return {field.name for field in fields(record)}


@pytest.mark.parametrize(("record", "component", "variable"), RECORDS)
def test_a_component_reads_the_fields_that_it_is_sent(
    record: type, component: str, variable: str
) -> None:
    source = javascript(component)
    assert keys_read(source, variable) == names(record)
    # The comparison notices a field on one side only.
    for added in (f"{variable}.added", f"this.{variable}?.added", f"`${{{variable}.added}}`"):
        assert keys_read(f"{source}\n{added}", variable) == names(record) | {"added"}
    for added in (
        f"const {{ added, more: x = 1 }} = {variable}\n",
        f"({{ {variable}: {{ added, more }} }})",
    ):
        assert keys_read(source + added, variable) == names(record) | {"added", "more"}
    for ignored in (f"other.{variable}.added", f"other().{variable}.added", f"my_{variable}.added"):
        assert keys_read(f"{source}\n{ignored}", variable) == names(record)


def test_every_record_is_compared() -> None:
    compared = {record for record, _, _ in RECORDS} | NOT_SENT
    for component in COMPONENTS:
        module = importlib.import_module(f"kmseg.ui.components.{component}.{component}")
        own = [
            c
            for _, c in inspect.getmembers(module, is_dataclass)
            if c.__module__ == module.__name__
        ]
        assert own and set(own) <= compared


@pytest.mark.parametrize("view", ["clusters", "cloud", "ladder", "steps", "attempts", "regions"])
def test_messages_are_json_objects_of_their_records(view: str) -> None:
    # Streamlit sends a value that JSON cannot express as a string, without a word.
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params.update({"view": view, "picture": "flower", "width": "60"})
    app.run()
    assert not app.exception
    mounted = [element.proto for element in app.get("bidi_component")]
    records = {component: record for record, component, name in RECORDS if name == "data"}
    found = {proto.component_name.removeprefix("kmseg_") for proto in mounted}
    assert found > {"viewer", "share"}
    for proto in mounted:
        data: dict[str, Any] = json.loads(proto.json)
        assert set(data) == names(records[proto.component_name.removeprefix("kmseg_")])


# -- words that stand on both sides ----------------------------------------------------------------


def viewer_file(name: str) -> str:
    return (FOLDER / "viewer" / name).read_text()


def compared_with(name: str, source: str) -> set[str]:
    """The strings that a script compares a variable with."""
    return set(re.findall(rf'\b{name} [!=]== "([^"]+)"', source))


def test_the_viewer_offers_the_layouts_and_paints_that_a_link_may_have() -> None:
    radios = re.findall(
        r'<input type="radio" name="(\w+)" value="(\w+)"', viewer_file("viewer.html")
    )
    source = "".join(path.read_text() for path in (FOLDER / "viewer").glob("*.js"))
    for name in ("layout", "paint"):
        assert tuple(value for radio, value in radios if radio == name) == link.CHOICES[name]
        assert compared_with(name, source) <= set(link.CHOICES[name])
    captions = re.search(r"const PAINTED = \{(.*?)\n\}", viewer_file("clusters.js"), re.DOTALL)
    assert captions
    assert tuple(re.findall(r"^  (\w+):", captions[1], re.MULTILINE)) == link.CHOICES["paint"]


def test_the_cloud_has_the_paints_that_a_link_may_have() -> None:
    source = (FOLDER / "cloud" / "figure.js").read_text()
    assert get_args(Paint) == link.CHOICES["cloud_paint"]
    assert compared_with("paint", source) <= set(get_args(Paint))


def test_the_browser_keeps_the_parameters_that_the_server_leaves_to_it() -> None:
    found = re.search(r"const NAMES = (\[.*\])", viewer_file("choices.js"))
    assert found
    assert {*json.loads(found[1]), "focus", "step", "scale"} == set(link.IN_BROWSER)


def strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_server_handles_what_the_viewer_asks_for() -> None:
    source = "".join(path.read_text() for path in (FOLDER / "viewer").glob("*.js"))
    buttons = set(re.findall(r'data-do="(\w+)"', viewer_file("viewer.html")))
    block = re.search(r"const actions = \{(.*?)\n    \}", source, re.DOTALL)
    assert block
    in_browser = set(re.findall(r"^      (\w+):", block[1], re.MULTILINE))
    assert in_browser < buttons
    sent = (buttons - in_browser) | set(re.findall(r'(?:what: |act\()"(\w+)"', source))
    assert sent == set(get_args(Verb))
    pages = [path for path in FOLDER.parent.rglob("*.py") if FOLDER not in path.parents]
    handled = {string for path in pages for string in strings(path)}
    assert sent <= handled | set(export.CLUSTER_DOWNLOADS)


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_css_rule_has_an_element(component: str) -> None:
    css = re.sub(r"/\*.*?\*/", "", style_sheet(component), flags=re.DOTALL)
    folder = FOLDER / component
    own = [path for path in folder.iterdir() if path.suffix in (".html", ".js", ".py")]
    imported = [
        folder / name
        for path in own
        if path.suffix == ".js"
        for name in re.findall(r'from "(\.\./[^"]+)"', path.read_text())
    ]
    used = {word for path in (*own, *imported) for word in re.findall(r"[\w-]+", path.read_text())}
    plotly = {"hoverlayer", "hovertext", "gl-container"}
    classes = {
        name
        for selector in re.findall(r"([^{}]+)\{", css)
        for name in re.findall(r"\.([a-z][\w-]*)", selector)
    }
    assert classes <= used | plotly


# -- modules ---------------------------------------------------------------------------------------


def test_the_bundle_has_every_module_once_after_those_that_it_imports() -> None:
    ordered = modules.in_order(modules.sources(), *modules.components().values())
    assert len(ordered) == len(set(ordered))
    inline = {
        "ui/components/shared/bootstrap.js",
        "ui/offline/offline.js",
        "ui/server/fonts.js",
        "ui/server/front.js",
    }
    assert set(modules.sources()) - set(ordered) == inline
    assert list(modules.components()) == COMPONENTS
    for path in ordered:
        used = re.findall(
            r'= modules\["([^"]+)"\]', modules.as_function(path, modules.sources()[path])
        )
        assert len(used) == len(re.findall(r"^import\b", modules.sources()[path], re.MULTILINE))
        assert all(ordered.index(other) < ordered.index(path) for other in used)


def test_exports_of_every_supported_form_reach_the_importer() -> None:
    source = """import { x,
  y } from "../b/c.js"
export const one = 1
export async function two() {}
export class Three {}
const four = 4
export { four, x }
export default component(() => {})
"""
    script = modules.as_function("a/d.js", source)
    assert 'const { x,\n  y } = modules["b/c.js"]\nconst one = 1\nasync function two' in script
    assert "const defaultExport = component(() => {})" in script
    assert "return { one, two, Three, four, x, default: defaultExport }" in script
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)


@pytest.mark.parametrize(
    "line",
    [
        'import x from "./b.js"',
        'import * as x from "./b.js"',
        'import "./b.js"',
        'import { x as y } from "./b.js"',
        'import { x } from "b"',
        "export { x as y }",
        'export { x } from "./b.js"',
        'export * from "./b.js"',
        "export let x = 1",
        "export default function () {}",
    ],
)
def test_other_forms_of_import_and_export_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"a/d\.js uses a form of import or export"):
        modules.as_function("a/d.js", f"const z = 1\n{line}\n")


def test_modules_that_import_each_other_are_refused() -> None:
    files = {"a.js": 'import { b } from "./b.js"', "b.js": 'import { a } from "./a.js"'}
    with pytest.raises(ValueError, match=r"a\.js, b\.js, a\.js"):
        modules.in_order(files, "a.js")
