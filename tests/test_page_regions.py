"""The view "Objects" in this process: counts, tidying, refusals, and what the browser fetches."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

import kmseg
from inprocess import component, open_page, open_view, send, texts
from kmseg.regions.counting import region_counts
from kmseg.ui.store import addresses, caches, regions

PLATE: dict[str, Any] = {"color_space": "hsv", "channels": "01", "n_clusters": 3, "width": 200}


def plate(**tidying: Any) -> kmseg.Segmentation:
    return kmseg.segment(kmseg.sample_image("plate-5"), kmseg.Settings(**PLATE, **tidying))


def opened(**query: str) -> Any:
    settings = {name: str(value) for name, value in PLATE.items()}
    return open_page(**settings | {"view": "regions", "picture": "plate-5"} | query)


def sent(app: Any) -> dict[str, Any]:
    return component(app, "kmseg_objects")


def fetched(address: str) -> bytes:
    """What a browser gets from an address."""
    *_, token, name = address.split("/")
    wanted = addresses.addresses().find(token)
    assert wanted
    content = wanted.find(wanted.key, wanted.part, name)
    assert content
    return zlib.decompress(content[0])


def tidy(app: Any, smallest: str, *holes: int, final: bool = True) -> Any:
    number = sent(app)["answers"] + 1
    action = {"what": "tidy", "smallest": smallest, "holes": holes, "final": final}
    return send(app, "kmseg_objects", "actions", [action | {"number": number}])


def test_counts_are_those_of_the_segmentation_and_tidying_changes_link_and_pictures() -> None:
    app = opened()
    before = plate().regions()
    data = sent(app)
    counts = np.bincount(before.cluster, minlength=3).tolist()
    assert [cluster["count"] for cluster in data["clusters"]] == counts
    assert data["n"] == before.n_regions
    assert data["told"] == f"{before.n_regions:,} regions"
    labels = component(app, "kmseg_viewer")["labels"]
    assert data["labels"] == labels
    tidy(app, "30", 2)
    after = plate(smallest_region=30, fill_holes=(2,)).regions()
    data = sent(app)
    assert data["told"] == f"{before.n_regions:,} regions, {after.n_regions:,} after tidying"
    assert data["n"] == after.n_regions < before.n_regions
    assert [one["filled"] for one in data["fillable"]] == [False, True, False]
    assert data["labels"] == component(app, "kmseg_viewer")["labels"] != labels
    assert app.query_params["smallest_region"] == "30"
    assert app.query_params["fill_holes"] == "2"
    assert "regions of less than 30 pixels removed" in texts(app)


def test_a_drag_is_not_written_into_the_address_until_it_ends() -> None:
    app = opened()
    tidy(app, "30", final=False)
    assert sent(app)["smallest"] == "30"
    assert "smallest_region" not in app.query_params
    tidy(app, "50")
    assert app.query_params["smallest_region"] == "50"


def test_a_link_tidies_and_a_share_of_the_picture_is_shown_in_pixels() -> None:
    app = opened(smallest_region="0.1%", fill_holes="1")
    seg = plate(smallest_region="0.1%", fill_holes=(1,))
    data = sent(app)
    assert data["n"] == seg.regions().n_regions
    assert data["smallest"] == "0.1%"
    assert data["least"] == int(np.ceil(seg.pixel_counts.sum() / 1000))


@pytest.mark.parametrize("smallest", ["many", "-1", "101%"])
def test_a_size_that_no_setting_allows_is_refused_in_a_sentence(smallest: str) -> None:
    app = opened()
    tidy(app, smallest)
    assert "smallest_region: must be a number of pixels" in texts(app)
    assert sent(app)["smallest"] == "0"


def test_the_browsers_table_has_the_numbers_of_the_segmentation() -> None:
    data = sent(opened(smallest_region="4"))
    found = plate(smallest_region=4).regions()
    n = found.n_regions
    assert data["n"] == n > 20
    packed = fetched(data["table"])
    assert len(packed) == n * (8 + 7 * 4 + 4 * 2 + 4)
    at = 0

    def column(kind: str) -> np.ndarray:
        nonlocal at
        values = np.frombuffer(packed, kind, n, at)
        at += values.nbytes
        return values

    np.testing.assert_array_equal(column("<f8") / 1e4, found.perimeter.round(4))
    np.testing.assert_array_equal(column("<u4"), found.area)
    for axis in (0, 1):
        np.testing.assert_array_equal(column("<u4") / 1e4, found.centroid[:, axis].round(4))
    np.testing.assert_array_equal(column("<u4") / 1e6, found.eccentricity.round(6))
    for channel in range(3):
        np.testing.assert_array_equal(column("<u4") / 1e4, found.mean_color[:, channel].round(4))
    for side in range(4):
        np.testing.assert_array_equal(column("<u2"), found.bbox[:, side])
    np.testing.assert_array_equal(column("u1"), found.cluster)
    for channel in range(3):
        np.testing.assert_array_equal(column("u1"), found.mean_color[:, channel].round())


def test_the_numbers_of_the_previews_pixels_are_those_of_the_label_picture() -> None:
    app = opened(picture="china", width="0", color_space="rgb", n_clusters="4", channels="all")
    data = sent(app)
    steps = np.frombuffer(fetched(data["numbers"]), "<u4")
    numbers = np.cumsum(steps, dtype=np.uint32).reshape(data["height"], data["width"])
    image = kmseg.sample_image("china")
    found = kmseg.segment(image, kmseg.Settings(color_space="rgb", n_clusters=4)).regions()
    rows, columns = image.grid(max(numbers.shape))
    np.testing.assert_array_equal(numbers, found.label_image[rows][:, columns])


def test_a_second_run_said_that_clusters_had_been_merged_before_they_were_tidied() -> None:
    app = opened(smallest_region="30")
    for _ in range(2):
        assert "before tidying: inertia" in texts(app)
        app.run()
    assert "before merging and tidying: inertia" in texts(opened(smallest_region="30", merge="1.2"))


def test_merged_clusters_are_one_cluster_of_objects() -> None:
    data = sent(opened(merge="1.2"))
    seg = plate().merged([(0, 1)])
    assert data["n"] == seg.regions().n_regions < plate().regions().n_regions
    assert [cluster["members"] for cluster in data["clusters"]] == list(map(list, seg.members))


def test_too_many_regions_are_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "MAX_OBJECTS", 20)
    app = opened(seed="7")
    data = sent(app)
    assert data["table"] == data["numbers"] == ""
    assert "at most 20 are listed" in data["refused"]
    assert "Smallest region" in data["refused"]
    tidy(app, "100")
    data = sent(app)
    assert data["refused"] == "" and 0 < data["n"] <= 20


def test_the_picture_of_regions_at_full_size_is_not_kept() -> None:
    app = open_page(picture="china", n_clusters="5", seed="11")
    before = caches.results().reachable_bytes()
    open_view(app, "regions")
    assert sent(app)["n"] > 1000
    n_pixels = kmseg.sample_image("china").pixels[..., 0].size
    assert caches.results().reachable_bytes() - before < 2 * n_pixels


def test_regions_are_counted_the_same_with_any_number_of_threads() -> None:
    labels = np.random.default_rng(0).integers(-1, 3, (37, 50)).astype(np.int16)
    from scipy.ndimage import label

    expected = [label(labels == k)[1] for k in range(4)]
    for n_strips in (1, 2, 5, 37):
        assert region_counts(labels, 4, n_strips).tolist() == expected


def test_a_scale_that_is_no_number_is_ignored_and_said() -> None:
    assert not opened(scale="12.5").warning
    for wrong in ("0", "-3", "a"):
        app = opened(scale=wrong)
        assert "pixels per mm such as 12" in "".join(each.value for each in app.warning)


def test_the_view_opens_from_its_place_without_parts() -> None:
    app = open_page(picture="flower", width="90")
    open_view(app, "regions")
    assert app.query_params["view"] == "regions"
    assert not any(control.key == "part" for control in app.segmented_control)
