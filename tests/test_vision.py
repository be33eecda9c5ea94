"""Simulated colour vision deficiencies: the published matrices, and what plates lose by them."""

from __future__ import annotations

import base64
import io
import re

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from streamlit.testing.v1 import AppTest

import kmseg
from inprocess import open_page, png, rerun
from kmseg.color.vision import DEFICIENCIES, simulated
from kmseg.samples import SAMPLES
from kmseg.samples.sources import HiddenNumeral
from kmseg.ui import store
from oracles import numeral_overlap


def encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB bytes, not rounded, of linear light (IEC 61966-2-1)."""
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_rows_of_the_matrices_sum_to_one_and_gray_stays_gray(deficiency: str) -> None:
    np.testing.assert_allclose(DEFICIENCIES[deficiency].sum(axis=1), 1, atol=2e-6)
    grays = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    np.testing.assert_array_equal(simulated(grays, deficiency), grays)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_primaries_become_the_columns_of_the_matrix(deficiency: str) -> None:
    primaries = 255 * np.eye(3, dtype=np.uint8)
    expected = encoded(DEFICIENCIES[deficiency].T.clip(0, 1))
    assert np.abs(simulated(primaries, deficiency) - expected).max() <= 0.5


def hue_distance(pixels: NDArray[np.uint8], source: HiddenNumeral) -> float:
    """Distance in a* and b* between the mean colours of numeral and ground."""
    plate = source.plate()
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    ground = plate.dots_mask & ~plate.numeral_mask
    means = [lab[mask].mean(axis=0) for mask in (plate.numeral_mask, ground)]
    return float(np.linalg.norm((means[0] - means[1])[1:]))


@pytest.mark.parametrize(
    ("key", "deficiency"),
    [
        ("plate-5", "protan"),
        ("plate-8", "protan"),
        ("plate-6", "deutan"),
        ("plate-74", "deutan"),
        ("plate-29", "tritan"),
    ],
)
def test_the_numeral_fades_in_the_simulation_that_its_plate_is_for(
    key: str, deficiency: str
) -> None:
    source = SAMPLES[key].source
    assert isinstance(source, HiddenNumeral)
    pixels = source.plate().pixels
    shown = {name: hue_distance(simulated(pixels, name), source) for name in DEFICIENCIES}
    assert shown[deficiency] < 0.35 * hue_distance(pixels, source)
    if deficiency == "tritan":
        assert min(shown, key=lambda name: shown[name]) == "tritan"
    else:
        assert shown["tritan"] > 2 * shown[deficiency]
    settings = kmseg.Settings(**SAMPLES[key].settings)  # type: ignore[arg-type]
    found = kmseg.segment(kmseg.sample_image(key), settings).labels
    plate = source.plate()
    masks = plate.numeral_mask.ravel(), plate.dots_mask.ravel()
    assert numeral_overlap(found.ravel(), *masks) > 0.8


# -- on the page -----------------------------------------------------------------------------------


def figures(app: AppTest) -> list[str]:
    return [e.proto.body for e in app.get("html") if e.proto.body.startswith("<figure")]


def test_the_page_shows_three_simulations_beside_the_clusters_that_show_the_numeral() -> None:
    app = open_page(view="sheet", sheet_shown="vision", picture="plate-6", n_clusters="5")
    shown = figures(app)
    titles = ["Original", "Protanopia, sim", "Deuteranopia, sim", "Tritanopia, sim", "Clusters"]
    assert [title in body for title, body in zip(titles, shown, strict=True)] == [True] * 5
    assert "HSV: H, K = 3" in shown[-1] and "data:image/png" in shown[-1]
    (button,) = (b for b in app.button if b.label == "Use these settings")
    button.click()
    rerun(app)
    assert app.query_params["n_clusters"] == "3" and app.query_params["color_space"] == "hsv"
    assert not [b for b in app.button if b.label == "Use these settings"]
    assert any("not a diagnosis" in caption.value for caption in app.caption)
    assert not app.error


def test_any_picture_can_be_simulated_and_keeps_its_transparency() -> None:
    app = open_page(view="sheet", sheet_shown="vision", n_clusters="3", color_space="lab")
    pixels = np.full((700, 90, 4), (200, 60, 50, 255), np.uint8)
    pixels[:300, :, :3], pixels[600:, :, 3] = (60, 140, 70), 0
    app.file_uploader(key="uploads").upload("tall.png", png(pixels))
    rerun(app)
    *seen, clusters = figures(app)
    assert "Lab, 8 bits: L, a, b, K = 3" in clusters
    for figure in seen:
        found = re.search('src="data:image/webp;base64,([^"]+)"', figure)
        assert found
        alpha = np.asarray(Pillow.open(io.BytesIO(base64.b64decode(found[1]))).getchannel("A"))
        assert alpha.shape == (474, 61)
        assert (alpha[:400] == 255).all() and (alpha[410:] == 0).all()


def test_simulations_are_of_the_original_pixels() -> None:
    seen = store.color_vision(store.sample("plate-29"))
    assert list(seen) == ["original", *DEFICIENCIES]
    shown = {name: np.asarray(Pillow.open(io.BytesIO(data))) for name, data in seen.items()}
    for name in DEFICIENCIES:
        assert shown[name].shape == (480, 480, 3)
        expected = simulated(shown["original"], name).astype(int)
        assert np.abs(shown[name] - expected).mean() < 6  # both were compressed
