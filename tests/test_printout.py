"""The report of objects: what is in it, what is not, and how its numbers are rounded."""

from __future__ import annotations

import base64
import io
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from kmseg.cli import main
from kmseg.output import export, printout
from kmseg.settings import Settings
from oracles import image_at, random_image, with_holes
from readings import save_with_metadata

Capture = pytest.CaptureFixture[str]
VOID = {"meta", "img", "image", "rect", "path", "link", "br"}


class Report(HTMLParser):
    """The elements of a report: texts of a tag, and attributes; all tags must be closed."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.feed(content.decode())
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data

    def text_of(self, tag: str) -> list[str]:
        return [text for own, text in self.texts if own == tag and text.strip()]

    @property
    def objects(self) -> list[dict[str, str]]:
        titles, *rows = self.tables[-1]
        return [dict(zip(titles, row, strict=True)) for row in rows]


def made(
    seg: kmseg.Segmentation, picture: str = "photo.jpg", scale: float = 0, source: str = "PICTURE"
) -> bytes:
    _, report = export.with_scale(scale, source)
    return report.make(seg, export.Context(picture))


@pytest.fixture(scope="module")
def seg() -> kmseg.Segmentation:
    image = with_holes(image_at("flower", 200), 4, 0.02)
    return kmseg.segment(image, Settings(n_clusters=6, smallest_region=3)).merged([[1, 3]])


def test_the_table_has_the_largest_objects_and_a_line_has_the_others(
    seg: kmseg.Segmentation,
) -> None:
    content = made(seg, scale=12.5)
    regions, rows = seg.regions(), Report(content).objects
    assert regions.n_regions > printout.MAX_LISTED == len(rows)
    areas = [int(row["Area"].replace(",", "")) for row in rows]
    assert areas == sorted(regions.area.tolist(), reverse=True)[: len(rows)]
    for row, area in zip(rows, areas, strict=True):
        i = int(row["No."]) - 1
        assert regions.area[i] == area
        assert row["Cluster"] == seg.names[regions.cluster[i]]
        for title, value, decimals in (
            ("%", 100 * area / seg.pixel_counts.sum(), 2),
            ("x", regions.centroid[i, 1], 1),
            ("y", regions.centroid[i, 0], 1),
            ("Perimeter", regions.perimeter[i], 1),
            ("Eccentricity", regions.eccentricity[i], 3),
        ):
            error = 0.5 * 10**-decimals + 1e-4
            assert float(row[title].replace(",", "")) == pytest.approx(value, abs=error)
        assert float(row["mm²"].replace(",", "")) == pytest.approx(area / 156.25, rel=5e-3)
        length = regions.perimeter[i] / 12.5
        assert float(row["mm"].replace(",", "")) == pytest.approx(length, rel=5e-3)
        top, left, bottom, right = regions.bbox[i]
        assert row["Box"] == f"{left}, {top}, {right - left} × {bottom - top}"
        assert (row["Border"] == "touches") == regions.touches_border[i]
    n_others, total = regions.n_regions - len(rows), int(regions.area.sum()) - sum(areas)
    assert f"And {n_others:,} other objects of " in content.decode()
    assert f" pixels, with {total:,} pixels in all (" in content.decode()


def test_the_clusters_have_their_shares_and_objects(seg: kmseg.Segmentation) -> None:
    regions, report = seg.regions(), Report(made(seg))
    rows = report.tables[0][1:]
    assert [row[0] for row in rows] == seg.names
    assert any("+" in name for name in seg.names)
    assert [int(row[2].replace(",", "")) for row in rows] == seg.pixel_counts.tolist()
    counts = np.bincount(regions.cluster, minlength=seg.n_clusters)
    assert [int(row[4].replace(",", "")) for row in rows] == counts.tolist()
    assert "mm" not in report.tables[-1][0]


def test_numbers_stand_in_their_objects() -> None:
    seg = kmseg.segment(image_at("china", 1300), Settings(n_clusters=3, smallest_region=400))
    regions, report = seg.regions(), Report(made(seg))
    shown = next(attributes for tag, attributes in report.tags if tag == "image")
    drawn = [attributes for tag, attributes in report.tags if tag == "text" and "y" in attributes]
    numbers = [int(text) for text in report.text_of("text")[: len(report.objects)]]
    assert numbers == [int(row["No."]) for row in report.objects]
    inside = 0
    for number, at in zip(numbers, drawn, strict=False):
        x, y = (
            float(at[key] or 0) / int(shown[side] or 0)
            for key, side in (("x", "width"), ("y", "height"))
        )
        height, width = seg.labels.shape
        inside += regions.label_image[int(y * height), int(x * width)] == number
    assert inside >= 0.9 * len(numbers)  # those at the edge of the picture are moved into it


def test_the_file_makes_no_request_and_has_no_script(seg: kmseg.Segmentation) -> None:
    content = made(seg)
    report = Report(content)
    assert not {"script", "link", "iframe", "object", "a"} & {tag for tag, _ in report.tags}
    for _, attributes in report.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:image/webp;base64,").startswith("data:image/webp")
    policy = next(a["content"] for _, a in report.tags if a.get("http-equiv"))
    assert policy and policy.startswith("default-src 'none';") and "script-src" not in policy
    assert b"url(" not in content and b"@import" not in content


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "$summary ${name} $$ &amp; x"],
)
def test_names_and_notes_of_strangers_stay_text(name: str) -> None:
    image = image_at("flower", 40)
    noted = kmseg.Image(image.pixels, notes=(f"page of {name}",))
    content = made(kmseg.segment(noted, Settings(n_clusters=2)), f"{name}.png", source=name)
    report = Report(content)
    assert report.text_of("h1") == [name]
    assert f"page of {name}" in "".join(text for _, text in report.texts)
    assert "script" not in dict(report.tags) and "onerror" not in str(report.tags[1:4])
    assert len([tag for tag, _ in report.tags if tag == "img"]) == 1
    _, _, words = report.text_of("code")[0].partition(" -m kmseg -i ")
    assert shlex.split(words)[0] == name


def test_no_metadata_of_the_photo_travels(tmp_path: Path) -> None:
    secret = "Secret Place 47"
    path = tmp_path / "my holiday.jpg"
    save_with_metadata(path, image_at("flower", 80).pixels, secret)
    content = made(kmseg.segment(kmseg.read_image(path), Settings(n_clusters=3)), path.name)
    pictures = re.findall(rb"data:image/webp;base64,([^\"]*)", content)
    assert len(pictures) == 2
    for packed in map(base64.b64decode, pictures):
        with Pillow.open(io.BytesIO(packed)) as picture:
            assert not {"exif", "icc_profile", "xmp", "comment"} & set(picture.info)
        assert secret.encode() not in packed and b"GPS" not in packed
    assert secret.encode() not in content and b"colour profile converted to sRGB" in content
    assert str(tmp_path).encode() not in content and b"my holiday.jpg" not in content


def test_the_report_of_a_noisy_picture_with_many_objects_has_under_a_megabyte() -> None:
    noise = cv2.GaussianBlur(random_image(1, (1400, 2000)).pixels, (0, 0), 1.0)
    image = kmseg.Image(np.asarray(cv2.convertScaleAbs(noise, alpha=3, beta=-256), np.uint8))
    seg = kmseg.segment(image, Settings(n_clusters=24, attempts=1, smallest_region=8))
    assert seg.regions().n_regions > 100_000
    assert len(made(seg)) < 1_000_000


@pytest.mark.parametrize("pixels", [np.zeros((1, 1, 3), np.uint8), np.eye(3, dtype=np.uint8)[None]])
def test_the_smallest_pictures_have_a_report(pixels: np.ndarray) -> None:
    report = Report(made(kmseg.segment(kmseg.Image(pixels), Settings(n_clusters=2)), scale=0.5))
    assert len(report.objects) == max(1, pixels.shape[1])
    assert report.objects[0]["mm²"] == "4"


def test_a_share_of_one_pixel_is_rounded_as_on_the_page() -> None:
    """Python rounds halves to even, and the page's list rounds them up."""
    for value, digits, expected in ((0.25, 1, "0.3"), (12.25, 1, "12.3"), (1234.5, 0, "1,235")):
        assert printout._decimal(value, digits) == expected
    for value, expected in ((1.125, "1.13"), (1234567, "1,230,000"), (0.01234, "0.0123"), (2, "2")):
        assert printout._short(value) == expected


def test_the_command_of_a_report_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    line = "-i sample:flower -w 120 -n 3 --smallest-region 9 --region 10.10_500.400"
    assert main(f"{line} --save objects-report --pixels-per-mm 7.5".split()) == 0
    (name,) = capsys.readouterr().out.split()
    content = Path(name).read_bytes()
    command, _ = Report(content).text_of("code")
    _, _, words = command.partition(" -m kmseg ")
    assert main([*shlex.split(words), "--out", "again"]) == 0
    assert Path("again", name).read_bytes() == content


def test_a_report_of_carried_clusters_has_neither_command_nor_link() -> None:
    book = kmseg.segment(image_at("flower", 60), Settings(n_clusters=3)).codebook
    report = Report(made(book.predict(image_at("china", 60))))
    assert report.text_of("code") == []
    assert "carried over" in "".join(text for _, text in report.texts)


@pytest.mark.parametrize("given", ["-1", "x", "1e3", "0.0", "1234567", "12,5"])
def test_a_scale_that_is_no_number_is_refused(given: str, capsys: Capture) -> None:
    assert main(["-i", "sample:flower", f"--pixels-per-mm={given}", "--save", "objects"]) == 2
    assert "--pixels-per-mm: must be a number above 0" in capsys.readouterr().err
