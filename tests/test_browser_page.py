"""The page in a real browser: what is painted, clicked, copied, downloaded and turned."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import numpy as np
import pytest
from PIL import Image as Pillow
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

import kmseg
from kmseg.kmeans.engines import ENGINES
from kmseg.output import render
from kmseg.ui.shortening import completed
from kmseg.ui.views import VIEWS
from visitor import (
    OpenPage,
    choose,
    choose_picture,
    choose_space,
    counts,
    download,
    enter,
    eventually,
    open_view,
    painted,
    pick,
    render_of,
    select,
    settle,
    shown_pixels,
    slide,
    socket_frames,
    step_k,
    upload,
    wait_for_cloud,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page


CAMERA_IS_LIT = """() => {
  const video = document.querySelector("video")
  if (!video || !video.videoWidth) return false
  const context = document.createElement("canvas").getContext("2d")
  context.drawImage(video, 0, 0)
  const { data } = context.getImageData(0, 0, 100, 100)
  return data.some((level, i) => i % 4 < 3 && level !== data[i % 4])
}"""


def test_the_segmentation_is_exact_and_as_large_as_the_original(open_page: OpenPage) -> None:
    page = open_page("?picture=plate-5&color_space=hsv&channels=01&n_clusters=3")
    image = kmseg.sample_image("plate-5")
    settings = kmseg.Settings(color_space="hsv", channels="01", n_clusters=3)
    seg = kmseg.segment(image, settings)
    original = shown_pixels(page, "original")[..., :3].astype(int)
    assert original.shape == image.pixels.shape
    assert np.abs(original - image.pixels).mean() < 4  # as it looks
    np.testing.assert_array_equal(
        shown_pixels(page, "segmentation")[..., :3], render.painted(seg.labels, seg.palette)
    )
    boxes = [page.locator(f".{side} .pane").bounding_box() for side in ("left", "right")]
    assert boxes[0] and boxes[1]
    for side in ("y", "width", "height"):
        assert boxes[0][side] == boxes[1][side]
    assert boxes[0]["width"] == pytest.approx(boxes[0]["height"], abs=1)
    choose(page, "Shades of grey")
    np.testing.assert_array_equal(
        shown_pixels(page, "segmentation")[..., :3],
        render.painted(seg.labels, render.palette(seg, "gray")),
    )


def test_a_preview_shows_the_labels_of_the_pixels_it_has(open_page: OpenPage, photo: Path) -> None:
    page = open_page("?n_clusters=5")
    upload(page, photo)
    seg = kmseg.segment(kmseg.read_image(photo), kmseg.Settings(n_clusters=5))
    shown = shown_pixels(page, "segmentation")[..., :3]
    height, width = shown.shape[:2]
    rows = ((np.arange(height) + 0.5) * seg.labels.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * seg.labels.shape[1] / width).astype(int)
    assert width == 960
    np.testing.assert_array_equal(shown, seg.palette[seg.labels[rows][:, columns]])


def test_every_control_then_the_copied_link_in_a_new_profile(
    open_page: OpenPage, page_server: Any
) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    choose_picture(page, "Dahlia")
    choose_space(page, "YCrCb")
    page.get_by_role("button", name="Cr", exact=True).click()
    settle(page)
    step_k(page, 4)  # from the 3 of the sample's own settings
    choose(page, "Random")
    slide(page, "Attempts", -2)
    page.get_by_text("Advanced", exact=True).click()
    select(page, "Stop rule", "Maximum iterations only")
    enter(page, "Maximum iterations", 12)
    enter(page, "Random seed", 5)
    enter(page, "Width in pixels", 300)
    choose(page, "Shades of grey")
    before = counts(page)
    settings = kmseg.Settings(
        color_space="ycrcb",
        channels="02",
        n_clusters=7,
        init="random",
        attempts=8,
        stop="iterations",
        max_iter=12,
        seed=5,
        width=300,
    )
    seg = kmseg.segment(kmseg.sample_image("flower"), settings)
    assert [int(row["pixels"]) for row in before] == seg.pixel_counts.tolist()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Link copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(page_server.url)
    query = completed(dict(parse_qsl(urlsplit(link).query)))
    expected = settings.to_query() | {"picture": "flower", "paint": "gray", "view": "download"}
    assert {name: query[name] for name in expected} == expected
    other = open_page("?" + urlsplit(link).query)
    assert counts(other) == before
    assert not any(other.get_by_role("alert").all_inner_texts())


def test_back_undoes_and_forward_redoes(open_page: OpenPage) -> None:
    page = open_page()
    step_k(page, 1)
    assert "n_clusters=7" in page.url
    choose_space(page, "Oklab")
    assert "color_space=oklab" in page.url
    page.go_back()
    settle(page)
    assert "color_space=cielab" in page.url
    page.get_by_text("7 clusters").wait_for()
    page.go_back()
    settle(page)
    page.get_by_text("6 clusters").wait_for()
    page.go_forward()
    settle(page)
    page.get_by_text("7 clusters").wait_for()


def test_a_click_on_the_original_picks_a_starting_colour(open_page: OpenPage) -> None:
    page = open_page("?picture=plate-6&init=manual&centroids=000000-0000ff-00ff00&n_clusters=3")
    image = kmseg.sample_image("plate-6")
    for slot, (x, y) in enumerate(((0.5, 0.28), (0.02, 0.02))):
        painted(page)
        shown, before = page.locator(".left .pane"), page.url
        box = shown.bounding_box()
        assert box
        shown.click(position={"x": x * box["width"], "y": y * box["height"]})
        page.wait_for_url(lambda url, before=before: url != before)
        settle(page)
        colors = parse_qs(urlsplit(page.url).query)["centroids"][0].split("-")
        picked = np.array(list(bytes.fromhex(colors[slot])))
        row, column = int(y * image.height), int(x * image.width)
        near = image.pixels[row - 2 : row + 3, column - 2 : column + 3].reshape(-1, 3)
        assert (near == picked).all(axis=1).any()
    assert colors[2] == "00ff00"


def test_downloads_open_in_other_readers(open_page: OpenPage) -> None:
    page = open_page("?picture=plate-8&color_space=lab&channels=12&n_clusters=3&view=download")
    settings = kmseg.Settings(color_space="lab", channels="12", n_clusters=3)
    seg = kmseg.segment(kmseg.sample_image("plate-8"), settings)
    name, content = download(page, "Download all (ZIP)")
    assert name == "plate-8_lab_c12_k3_s0.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        files = {entry: archive.read(entry) for entry in archive.namelist()}
    for entry in files:
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,80}", entry)
    assert kmseg.Settings.from_dict(json.loads(files["settings.json"])["settings"]) == settings
    for button, ending in (
        ("Segmented picture", "_segmented.png"),
        ("Labels in colour (pixel value = cluster)", "_labels.png"),
        ("Side by side, shades of grey", "_side-by-side-gray.png"),
    ):
        name, content = download(page, button)
        assert name.endswith(ending)
        assert files[name] == content
        picture = np.asarray(Pillow.open(io.BytesIO(content)))
        if ending == "_labels.png":
            np.testing.assert_array_equal(picture, seg.labels + 1)
        elif ending == "_segmented.png":
            np.testing.assert_array_equal(picture, seg.palette[seg.labels])
        else:
            np.testing.assert_array_equal(picture, render.side_by_side(seg))
    assert json.loads(download(page, "Palette (JSON)")[1])[0]["pixels"] == seg.pixel_counts[0]


def test_a_downloads_name_keeps_the_letters_of_the_pictures(open_page: OpenPage) -> None:
    page = open_page("?view=download&width=60")
    buffer = io.BytesIO()
    Pillow.fromarray(kmseg.sample_image("flower").pixels).save(buffer, "PNG")
    photo = {"name": "Фото.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    page.locator(".st-key-uploads input[type=file]").set_input_files([photo])
    page.wait_for_url(re.compile("picture=upload-"))
    settle(page)
    name, content = download(page, "Labels in grey (pixel value = cluster)")
    assert re.fullmatch(r"Фото_bgr_call_k4_s0_[0-9a-f]{8}_labels-gray\.png", name)
    assert np.unique(np.asarray(Pillow.open(io.BytesIO(content)))).tolist() == [1, 2, 3, 4]


def camera(page: Page) -> dict[str, Any]:
    state: dict[str, Any] = page.evaluate(
        "document.querySelector('.kmseg-cloud-plot')._fullLayout.scene._scene.getCamera()"
    )
    return state


def test_the_clouds_camera_stays_when_k_changes(open_page: OpenPage) -> None:
    page = open_page("?view=cloud", height=1500)
    wait_for_cloud(page)
    home = camera(page)
    plot = page.locator(".kmseg-cloud-plot")
    plot.focus()
    for _ in range(4):
        plot.press("ArrowRight")
    eventually(page, lambda: abs(camera(page)["eye"]["x"] - home["eye"]["x"]) > 0.05, "No turn.")
    settle(page)
    turned = camera(page)
    node = plot.element_handle()
    step_k(page, 2)
    choose(page, "Cluster")
    for axis in "xyz":
        assert camera(page)["eye"][axis] == pytest.approx(turned["eye"][axis], abs=1e-3)
    assert node and node.evaluate("node => node.isConnected")
    label = plot.get_attribute("aria-label") or ""
    assert "6 numbered" in label


def test_a_phone_shows_one_picture_under_the_other_in_the_systems_colour_scheme(
    open_page: OpenPage,
) -> None:
    page = open_page("?view=download", width=390, height=844, color_scheme="dark")
    painted(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("node => node.scrollWidth <= node.clientWidth")
    left, right = page.locator(".pane").evaluate_all(  # at once: the page may be scrolling
        "panes => panes.map(pane => pane.getBoundingClientRect().toJSON())"
    )
    assert right["y"] > left["y"] + left["height"]
    assert background(page) < 64
    page.emulate_media(color_scheme="light")
    eventually(page, lambda: background(page) > 192, "The page does not become light.")


def background(page: Page) -> int:
    """The highest level of the page's background, from 0 to 255."""
    color = page.locator("[data-testid=stApp]").evaluate(
        "node => getComputedStyle(node).backgroundColor"
    )
    return max(int(level) for level in re.findall(r"\d+", color)[:3])


def test_the_camera_takes_a_picture(open_page: OpenPage) -> None:
    from playwright.sync_api import TimeoutError as PlaywrightTimeout

    page = open_page(permissions=["camera"])
    page.get_by_text("Take a photo").click()
    settle(page)
    page.wait_for_function(CAMERA_IS_LIT, timeout=20_000)  # its first frames may be black
    again = page.get_by_role("button", name="Clear photo")
    for _ in range(3):  # on a busy machine a click may come to nothing, or a frame be black
        page.get_by_role("button", name="Take Photo").click(timeout=20_000)
        try:
            again.wait_for(timeout=10_000)
        except PlaywrightTimeout:
            continue
        page.wait_for_url(re.compile("picture=upload-"))
        settle(page)
        if np.ptp(shown_pixels(page, "original")[..., :3]) > 0:
            break  # the test picture, not a blank
        again.click()
    else:
        pytest.fail("no photo but black ones")
    assert "picture=upload-" in page.url


# -- what is slow ----------------------------------------------------------------------------------


def test_the_new_segmentation_is_sent_first_then_counts_then_the_cloud(
    open_page: OpenPage,
) -> None:
    page = open_page("?view=clusters")
    frames = socket_frames(page, "Received")
    for view, then in (("clusters", "kmseg_table"), ("cloud", "kmseg_cloud")):
        open_view(page, VIEWS[view])
        frames.clear()
        step_k(page, 1)
        sent = []
        for frame in frames:
            message = ForwardMsg.FromString(frame)
            if message.WhichOneof("type") == "delta" and message.metadata.delta_path[0] == 0:
                element = message.delta.new_element
                sent.append(element.bidi_component.component_name or element.WhichOneof("type"))
                if "attempts" in element.markdown.body:
                    sent[-1] = "summary"
        assert sent.index("kmseg_viewer") < sent.index("summary") < sent.index(then)


@pytest.mark.parametrize(
    ("engine", "title"),
    [(name, engine.title) for name, engine in ENGINES.items() if engine.visits_pixels],
)
def test_long_work_shows_how_far_it_is_and_can_be_stopped(
    open_page: OpenPage, engine: str, title: str
) -> None:
    page = open_page("?picture=flower&n_clusters=32&attempts=11&width=380&epsilon=0")
    page.get_by_text("Advanced", exact=True).click()
    bar = page.get_by_text(re.compile(rf"{title.partition(',')[0]}: attempt \d+ of 10\b"))
    stop = page.get_by_role("button", name="Stop and use the exact engine")

    pick(page, "Engine", title)
    stop.click(timeout=60_000)
    page.get_by_text("colours · best of 11 attempts").wait_for(timeout=60_000)
    settle(page)
    assert bar.count() == stop.count() == 0
    settings = kmseg.Settings(n_clusters=32, attempts=11, width=380, epsilon=0)
    image = kmseg.sample_image("flower")
    expected = render_of(kmseg.segment(image, settings))
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], expected)

    pick(page, "Engine", title)  # the very work that was stopped
    bar.wait_for(timeout=60_000)
    page.get_by_role("slider", name="Attempts").press("Home")  # a changed control ends it as well
    page.wait_for_url(re.compile(f"attempts=1&.*engine={engine}"), timeout=60_000)
    settle(page)
    assert bar.count() == stop.count() == 0
    settings = replace(settings, attempts=1, engine=engine)
    expected = render_of(kmseg.segment(image, settings))
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], expected)
