"""The runs of the two articles give the same results here.

The references are direct calls of ``cv2.kmeans`` and ``sklearn.cluster.KMeans`` on the pixels.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import kmseg
from kmseg.cli import main
from kmseg.output.encode import png
from kmseg.output.render import painted, palette, side_by_side
from kmseg.samples import SAMPLES
from kmseg.samples.sources import HiddenNumeral
from oracles import article_features, assert_same_clusters, image_at, nearest, resized

ROOT = Path(__file__).resolve().parent.parent

BOTH = cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER
STOPS = {
    "both": BOTH,
    "epsilon": cv2.TERM_CRITERIA_EPS,
    "iterations": cv2.TERM_CRITERIA_MAX_ITER,
}
FLAGS = {
    "random": cv2.KMEANS_RANDOM_CENTERS,
    "k-means++": cv2.KMEANS_PP_CENTERS,
    "manual": cv2.KMEANS_USE_INITIAL_LABELS,
}
COLORS = ((230, 225, 220), (40, 40, 30), (180, 90, 60), (110, 130, 150), (90, 100, 60))


# -- Image Segmentation with K-Means Clustering in Python ------------------------------------------


@pytest.mark.parametrize("n_clusters", [4, 10])
def test_the_first_articles_run_gives_what_opencv_gives(n_clusters: int) -> None:
    image = kmseg.sample_image("china")
    settings = kmseg.Settings(
        color_space="rgb",
        n_clusters=n_clusters,
        init="random",
        attempts=10,
        max_iter=20,
        epsilon=0.1,
        stop="both",
        seed=7,
        engine="opencv",
    )
    seg = kmseg.segment(image, settings)

    samples = image.pixels.reshape(-1, 3).astype(np.float32)
    cv2.setRNGSeed(7)
    _, labels, centers = cv2.kmeans(  # type: ignore[call-overload]
        samples, n_clusters, None, (BOTH, 20, 0.1), 10, cv2.KMEANS_RANDOM_CENTERS
    )
    assert_same_clusters(seg.labels, labels)
    # Each pixel has the colour of its centroid; the article truncates it, kmseg rounds.
    recoloured = np.asarray(centers, np.uint8)[labels.ravel()].reshape(image.pixels.shape)
    difference = painted(seg.labels, seg.palette).astype(int) - recoloured
    assert np.abs(difference).max() <= 1
    # Original and segmentation side by side, a strip between.
    joined = side_by_side(seg)
    np.testing.assert_array_equal(joined[:, :640], image.pixels)
    np.testing.assert_array_equal(joined[:, -640:], painted(seg.labels, palette(seg, "gray")))


def by_opencv(
    pixels: NDArray[np.uint8], init: str, criteria: tuple[int, int, float]
) -> NDArray[np.int32]:
    """The article's call for each of the three flags, K = 5, seed 3."""
    samples = pixels.reshape(-1, 3).astype(np.float32)
    start: Any = None
    if init == "manual":
        start = nearest(samples.astype(float), np.array(COLORS, float)).astype(np.int32)[:, None]
    cv2.setRNGSeed(3)
    attempts = 1 if init == "manual" else 4
    return np.asarray(cv2.kmeans(samples, 5, start, criteria, attempts, FLAGS[init])[1])


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("init", FLAGS)
def test_each_flag_and_each_stop_rule_is_opencvs(init: str, stop: str) -> None:
    settings = kmseg.Settings(
        color_space="rgb",
        n_clusters=5,
        init=init,
        centroids=COLORS if init == "manual" else (),
        attempts=4,
        max_iter=5,
        epsilon=0.5,
        stop=stop,
        seed=3,
        engine="opencv",
        width=200,
    )
    seg = kmseg.segment(kmseg.sample_image("china"), settings)
    assert seg.image is not None
    np.testing.assert_array_equal(seg.image.pixels, image_at("china", 200).pixels)
    assert seg.image.pixels.shape == (int(200 / 640 * 427), 200, 3)
    assert_same_clusters(seg.labels, by_opencv(seg.image.pixels, init, (STOPS[stop], 5, 0.5)))


def test_the_rules_and_flags_compared_with_opencv_do_not_all_agree() -> None:
    """Otherwise the comparison above would prove nothing."""
    pixels = image_at("china", 200).pixels
    for init in FLAGS:
        results = {by_opencv(pixels, init, (rule, 5, 0.5)).tobytes() for rule in STOPS.values()}
        assert len(results) >= 2
    assert len({by_opencv(pixels, init, (BOTH, 5, 0.5)).tobytes() for init in FLAGS}) == 3


# -- Image segmentation via K-means clustering with OpenCV-Python ----------------------------------


@pytest.fixture(scope="module")
def plate_png() -> bytes:
    return png(kmseg.sample_image("plate-74").pixels)


@pytest.fixture
def folder(plate_png: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in that contains only ``plate.png``."""
    (tmp_path / "plate.png").write_bytes(plate_png)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def the_output(folder: Path) -> Path:
    """The only file beside ``plate.png``."""
    (output,) = [path for path in folder.iterdir() if path.name != "plate.png"]
    return output


def decoded(path: Path) -> NDArray[np.uint8]:
    return kmseg.read_image(path).pixels


def test_the_second_articles_own_line_runs(folder: Path) -> None:
    before = datetime.now().replace(microsecond=0)
    line = "-m kmseg -i plate.png -w 300 -s hsv -c 02 -n 3 -o -f jpg"
    run = subprocess.run(
        [sys.executable, *line.split()],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    after = datetime.now()
    assert (run.returncode, run.stderr) == (0, "")
    output = the_output(folder)
    assert run.stdout.strip() == output.name
    assert re.fullmatch(r"\d{14}hsv_c02n3\.jpg", output.name)
    assert before <= datetime.strptime(output.name[:14], "%Y%m%d%H%M%S") <= after
    assert output.read_bytes().startswith(b"\xff\xd8\xff")

    picture = decoded(output).astype(int)
    assert picture.shape == (300, 300 + 18 + 300, 3)
    strip = picture[:, 303:315]
    assert np.median(strip) == 193
    assert abs(strip.mean() - 193) < 3
    seg = kmseg.segment(
        kmseg.read_image(folder / "plate.png"),
        kmseg.Settings(color_space="hsv", channels="02", n_clusters=3, width=300),
    )
    right = picture[:, 318:]
    levels = [int(np.median(right[seg.labels == cluster])) for cluster in range(3)]
    assert np.abs(np.array(levels) - [0, 128, 255]).max() <= 2
    assert np.abs(picture - side_by_side(seg)).mean() < 6


def test_as_png_every_pixel_of_the_second_articles_picture_is_right(folder: Path) -> None:
    assert (
        main(
            ["-i", "plate.png", "-w", "300", "-s", "hsv", "-c", "02", "-n", "3", "-o", "-f", "png"]
        )
        == 0
    )
    output = the_output(folder)
    assert re.fullmatch(r"\d{14}hsv_c02n3\.png", output.name)
    picture = decoded(output)
    left, strip, right = picture[:, :300], picture[:, 300:318], picture[:, 318:]
    original = resized(kmseg.sample_image("plate-74").pixels, 300)
    np.testing.assert_array_equal(left, original)
    assert (strip == 193).all()
    assert right.shape == (300, 300, 3)
    assert (right == right[..., :1]).all()
    levels, ranks, counts = np.unique(right[..., 0], return_inverse=True, return_counts=True)
    assert levels.tolist() == [0, 128, 255]
    assert counts[0] > counts[1] > counts[2]

    # The article's clusters: scikit-learn with 40 starts reaches the same, but for a few pixels.
    samples = article_features(original, "hsv", "02")
    with threadpool_limits(1):
        theirs = KMeans(3, n_init=5, max_iter=500, random_state=0).fit(samples)
    order = np.argsort(-np.bincount(theirs.labels_))
    assert (np.argsort(order)[theirs.labels_] == ranks.ravel()).mean() > 0.999


@pytest.mark.parametrize(
    ("line", "tail"),
    [
        ("-s ycc -c 1 -n 2", "ycc_c1n2"),
        ("", "bgr_calln3"),
        ("-s lab -c 12", "lab_c12n3"),
        ("-s HSV -c 20 -n 4", "HSV_c20n4"),
        ("-s cielab -c L*,b*", "cielab_c02n3"),  # an asterisk is illegal on Windows
    ],
)
def test_names_keep_the_space_and_the_channels_as_typed(folder: Path, line: str, tail: str) -> None:
    assert main(f"-i plate.png -w 60 {line} -o".split()) == 0
    assert re.fullmatch(rf"\d{{14}}{tail}\.png", the_output(folder).name)


@pytest.mark.parametrize("given", ["1", "0", "-3"])
def test_fewer_than_two_clusters_become_two_with_a_warning(
    folder: Path, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    assert main(f"-i plate.png -w 60 -n {given} -o".split()) == 0
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1 and "2" in warning and given in warning
    output = the_output(folder)
    assert output.name.endswith("bgr_calln2.png")
    assert np.unique(decoded(output)[:, 63:]).tolist() == [0, 255]


@pytest.mark.parametrize("width", [5, 15, 16, 17, 47, 48])
def test_the_strip_is_a_sixteenth_of_the_width(folder: Path, width: int) -> None:
    assert main(f"-i plate.png -w {width} -n 2 -o".split()) == 0
    picture = decoded(the_output(folder))
    strip = max(1, width * 625 // 10000)
    assert picture.shape == (width, width + strip + width, 3)
    assert (picture[:, width : width + strip] == 193).all()


@pytest.mark.parametrize("n_clusters", [2, 3, 4, 7, 100, 255])
def test_grays_run_from_black_to_full_white(n_clusters: int) -> None:
    """The article's lightest gray missed 255, and its labels overflowed."""
    image = kmseg.sample_image("plate-74").resized(150)
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=n_clusters, attempts=1))
    assert seg.n_clusters == n_clusters
    right = side_by_side(seg)[:, -150:, 0]
    expected = np.rint(np.linspace(0, 255, n_clusters)).astype(np.uint8)
    np.testing.assert_array_equal(right, expected[seg.labels])
    assert right.min() == 0 and right.max() == 255


MANUAL = ((240, 230, 220), (150, 80, 60), (90, 110, 40))


@pytest.mark.parametrize("init", ["k-means++", "random", "manual"])
@pytest.mark.parametrize(
    ("color_space", "channels"), [("hsv", "02"), ("lab", "all"), ("ycrcb", "12"), ("bgr", "all")]
)
def test_the_engine_of_the_second_article_is_scikit_learns(
    init: str, color_space: str, channels: str
) -> None:
    settings = kmseg.Settings(
        color_space=color_space,
        channels=channels,
        n_clusters=3,
        init=init,
        centroids=MANUAL if init == "manual" else (),
        attempts=3,
        max_iter=50,
        seed=11,
        engine="scikit-learn",
        width=90,
    )
    with threadpool_limits(1):
        seg = kmseg.segment(kmseg.sample_image("plate-74"), settings)
        assert seg.image is not None
        start: Any = init
        if init == "manual":
            colors = np.array(MANUAL, np.uint8)
            start = article_features(colors, color_space, channels)
        reference = KMeans(
            3, init=start, n_init=1 if init == "manual" else 3, max_iter=50, random_state=11
        ).fit(article_features(seg.image.pixels, color_space, channels))
    assert_same_clusters(seg.labels, reference.labels_)
    assert seg.n_iter == reference.n_iter_
    assert seg.inertia == pytest.approx(reference.inertia_, rel=1e-9)
    order = np.argsort(-np.bincount(reference.labels_))
    np.testing.assert_allclose(seg.centroids, reference.cluster_centers_[order], rtol=1e-9)


def test_forty_starts_and_five_hundred_iterations_are_the_articles() -> None:
    settings = kmseg.Settings(
        color_space="hsv",
        channels="02",
        n_clusters=3,
        attempts=40,
        max_iter=500,
        engine="scikit-learn",
        width=60,
    )
    with threadpool_limits(1):
        seg = kmseg.segment(kmseg.sample_image("plate-74"), settings)
        assert seg.image is not None
        reference = KMeans(3, n_init=40, max_iter=500, random_state=0).fit(
            article_features(seg.image.pixels, "hsv", "02")
        )
    assert_same_clusters(seg.labels, reference.labels_)


@pytest.mark.parametrize("key", [key for key in SAMPLES if key.startswith("plate-")])
def test_the_hidden_numeral_is_found(key: str) -> None:
    """The purpose of the second article, with the settings that belong to the sample."""
    source = SAMPLES[key].source
    assert isinstance(source, HiddenNumeral)
    plate = source.plate()
    settings = kmseg.Settings(**SAMPLES[key].settings)  # type: ignore[arg-type]
    labels = kmseg.segment(kmseg.Image(plate.pixels), settings).labels[plate.dots_mask]
    numeral = plate.numeral_mask[plate.dots_mask]
    groups = [group for n in (1, 2) for group in combinations(range(settings.n_clusters), n)]
    found = [np.isin(labels, group) for group in groups]
    assert max((f & numeral).sum() / (f | numeral).sum() for f in found) > 0.8
