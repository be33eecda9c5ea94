"""The page as one HTML file: what is in it, and what is not."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from kmseg.cli import main
from kmseg.output import export, names
from kmseg.output.labelcodec import encode_labels
from kmseg.ui import offline
from kmseg.ui.components.assets import plotly_source
from oracles import image_at
from readings import save_with_metadata

ROOT = Path(__file__).resolve().parent.parent
Capture = pytest.CaptureFixture[str]


class Scripts(HTMLParser):
    """The text of each script element of a page, by its id."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.current: str | None = None
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.current = dict(attrs).get("id") or "script"

    def handle_data(self, data: str) -> None:
        if self.current:
            self.texts[self.current] = self.texts.get(self.current, "") + data

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.current = None


def saved(seg: kmseg.Segmentation, picture: str = "photo.jpg", **options: Any) -> bytes:
    return offline.page(**options).make(seg, export.Context(picture))


def records(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Scripts(content).texts["data"])
    return found


def picture_in(content: bytes) -> Pillow.Image:
    url = records(content)["viewer"]["original"]
    assert url.startswith("data:image/webp;base64,")
    return Pillow.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


@pytest.fixture(scope="module")
def seg() -> kmseg.Segmentation:
    return kmseg.segment(image_at("flower", 60), kmseg.Settings(n_clusters=3))


def test_no_metadata_of_the_photo_travels(tmp_path: Path) -> None:
    secret = "Secret Place 47"
    path = tmp_path / "my holiday.jpg"
    profile = save_with_metadata(path, image_at("flower", 80).pixels, secret)
    assert secret.encode() in path.read_bytes() and profile in path.read_bytes()
    found = kmseg.segment(kmseg.read_image(path), kmseg.Settings(n_clusters=3))
    content = saved(found, str(path.name))
    with picture_in(content) as picture:
        assert not {"exif", "icc_profile", "xmp", "comment"} & set(picture.info)
        assert len(picture.getexif()) == 0
    packed = base64.b64decode(records(content)["viewer"]["original"].partition(",")[2])
    for text in (content, packed):
        assert secret.encode() not in text and b"GPS" not in packed
    assert b"my holiday" in content and b"colour profile converted to sRGB" in content
    assert b"my holiday.jpg" not in content and str(tmp_path).encode() not in content


def test_the_file_of_a_photo_of_12_megapixels_has_under_5_megabytes() -> None:
    china = kmseg.sample_image("china").pixels
    large = cv2.resize(china, (4000, 3000), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    large += np.random.default_rng(0).integers(-4, 5, large.shape, np.int16)
    image = kmseg.Image(np.clip(large, 0, 255).astype(np.uint8))
    settings = kmseg.Settings(color_space="cielab", n_clusters=32, attempts=1)
    content = saved(kmseg.segment(image, settings))
    assert len(content) < 5_000_000
    with picture_in(content) as picture:
        assert picture.size == (2048, 1536)
    assert "The picture has 4,000 × 3,000 pixels; it is shown here with 2,048 × 1,536." in (
        content.decode()
    )


def test_the_file_has_plotly_and_no_script_that_ends_early(seg: kmseg.Segmentation) -> None:
    content = saved(seg)
    scripts = Scripts(content).texts
    assert set(scripts) == {"data", "plotly", "script"}
    assert gzip.decompress(base64.b64decode(scripts["plotly"])) == plotly_source()
    assert scripts["script"].rstrip().endswith("})")
    assert not re.search(rb"""(?:src|href)=["']?(?!data:)\w+:""", content.split(b"<script")[0])
    assert content == saved(seg)  # equal segmentations give equal files


@pytest.mark.parametrize("link", ["", "http://localhost:8501/?v=1&picture=flower"])
def test_the_file_says_where_it_is_from(seg: kmseg.Segmentation, link: str) -> None:
    text = saved(seg, link=link, source="sample:flower").decode()
    command = "-m kmseg -i sample:flower -s bgr -c all -n 3"
    assert (command in text) == (not link)
    assert ("Open these settings in kmseg" in text) == bool(link)


def test_the_colours_are_those_of_the_theme() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
    css = (ROOT / "kmseg" / "ui" / "offline" / "offline.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    for scheme, block in zip(("light", "dark"), blocks, strict=True):
        for name, color in re.findall(r"--st-([\w-]+): (#\w+)", block):
            camel = re.sub(r"-(\w)", lambda found: found[1].upper(), name)
            assert config[scheme][camel] == color
    assert f"--st-base-radius: {config['baseRadius']};" in css


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("my photo.jpeg", "my photo"),
        ("<b>.png", "<b>"),
        ("a\u202eb\0c\n.png", "abc"),
        ("x" * 300 + ".png", "x" * 119 + "…"),
        ("", ""),
    ],
)
def test_a_title_is_plain_text_of_one_line(name: str, title: str) -> None:
    assert names.title(name) == title


# -- the command line ------------------------------------------------------------------------------


def test_the_command_line_saves_a_page_without_streamlit(tmp_path: Path) -> None:
    code = (
        "import sys; from kmseg.cli import main;"
        "options = ['-i', 'sample:flower', '-w', '60', '--save', 'page', '--out', sys.argv[1]];"
        "status = main(options);"
        "print(status, [name for name in sys.modules if name.startswith('streamlit')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr
    (path,) = tmp_path.glob("flower_bgr_call_k3_s0_*_page.html")
    assert "-m kmseg -i sample:flower" in path.read_text()


def test_the_command_in_a_page_names_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Pillow.fromarray(image_at("flower", 90).pixels).save("mine.png")
    line = f"-i {tmp_path / 'mine.png'} -n 2 --save page --page-side 64 --out out"
    assert main(line.split()) == 0
    (path,) = Path("out").iterdir()
    content = path.read_bytes()
    assert b"-i PICTURE" in content and str(tmp_path).encode() not in content
    with picture_in(content) as picture:
        assert max(picture.size) == 64


@pytest.mark.parametrize("side", ["63", "8193", "1e3", "-1", "", "9" * 400, "٦٤٠"])
def test_a_side_out_of_range_is_refused(side: str, capsys: Capture) -> None:
    assert main(["-i", "sample:flower", "--save", "page", f"--page-side={side}"]) == 2
    said = capsys.readouterr().err
    assert "--page-side: must be a whole number from 64 to 8192" in said and said.count("\n") == 1


def test_a_page_shows_the_tidied_clusters() -> None:
    """Tidied clusters may have another order than their numbers."""
    image = image_at("flower", 60)
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=6, smallest_region=40, fill_holes=(2,)))
    content = saved(seg)
    data = records(content)
    labels = base64.b64decode(data["viewer"]["labels"].partition(",")[2])
    assert labels == encode_labels(seg.in_members(seg.labels), 6)
    assert data["viewer"]["groups"] == [list(own) for own in seg.members] != [[k] for k in range(6)]
    assert [row["pixels"] for row in data["table"]["rows"]] == seg.pixel_counts.tolist()
    assert "--smallest-region 40 --fill-holes 2" in content.decode()
    assert "regions of less than 40 pixels removed, holes of cluster 2 filled" in content.decode()
