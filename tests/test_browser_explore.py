"""Focus, the viewer, the sheet and the ladder in a real browser."""

from __future__ import annotations

import io
import json
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from inprocess import png
from kmseg.color import COLOR_SPACES, features
from kmseg.output import cloud as clouds
from kmseg.output import render
from kmseg.ui.components import modules
from kmseg.ui.views import VIEWS
from visitor import (
    PICTURES,
    OpenPage,
    choose,
    counts,
    download,
    eventually,
    open_files,
    open_view,
    painted,
    pixels_of,
    render_of,
    settle,
    show_in,
    shown_pixels,
    socket_frames,
    step_k,
    upload,
    wait_for_cloud,
    wait_until_held,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page


# -- what is in focus ------------------------------------------------------------------------------

PLATE = "picture=plate-5&color_space=hsv&channels=01&n_clusters=3"


def plate_segmentation() -> kmseg.Segmentation:
    settings = kmseg.Settings(color_space="hsv", channels="01", n_clusters=3)
    return kmseg.segment(kmseg.sample_image("plate-5"), settings)


# Clusters of the points that do not fade into the background.
CLOUD_LABELS = """({ data: [{ customdata, marker }] }) => customdata
  .filter((_, i) => marker.size[i] > 1.5).map(point => point[3])"""


def query(page: Page, name: str) -> str:
    return parse_qs(urlsplit(page.url).query).get(name, [""])[0]


def pressed(page: Page, selector: str) -> list[int]:
    """Which of the buttons of a component are pressed."""
    states = page.locator(selector).evaluate_all(
        "buttons => buttons.map(button => button.getAttribute('aria-pressed'))"
    )
    return [number for number, state in enumerate(states) if state == "true"]


def assert_in_focus(page: Page, seg: kmseg.Segmentation, *clusters: int) -> None:
    """The picture, the swatches and the address all have these clusters in focus."""
    painted(page)
    said = f"The swatches do not have the clusters {clusters} in focus."
    eventually(page, lambda: pressed(page, ".swatches button") == list(clusters), said)
    assert query(page, "focus") == ".".join(str(cluster + 1) for cluster in clusters)
    veil = page.locator(PICTURES["veil"])
    assert veil.is_visible() == bool(clusters)
    if clusters:
        faded = shown_pixels(page, "veil")[..., 3] > 0
        np.testing.assert_array_equal(faded, ~np.isin(seg.labels, clusters))


def click_pixel(page: Page, side: str, x: float, y: float) -> None:
    pane = page.locator(f".{side} .pane")
    box = pane.bounding_box()
    assert box
    pane.click(position={"x": x * box["width"], "y": y * box["height"]})


def test_focus_is_set_from_picture_table_and_swatch_and_shows_in_all(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}&view=clusters", height=1400)
    seg = plate_segmentation()
    assert_in_focus(page, seg)
    rows, columns = np.nonzero(seg.labels == 2)
    middle = len(rows) // 2
    x, y = (columns[middle] + 0.5) / 600, (rows[middle] + 0.5) / 600
    click_pixel(page, "right", x, y)
    assert_in_focus(page, seg, 2)
    assert pressed(page, "table button") == [2]
    page.get_by_role("row").nth(1).click()
    assert_in_focus(page, seg, 0, 2)
    assert pressed(page, "table button") == [0, 2]
    page.locator(".swatches button").nth(2).click()
    assert_in_focus(page, seg, 0)
    assert pressed(page, "table button") == [0]
    click_pixel(page, "left", x, y)
    assert_in_focus(page, seg, 0, 2)
    share = seg.pixel_counts[[0, 2]].sum()
    page.get_by_text(f"In focus: clusters 1, 3 · {share:,} pixels").wait_for()
    page.get_by_role("button", name="Clear focus").click()
    assert_in_focus(page, seg)


def test_focus_is_set_from_the_cloud_and_shows_there(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}&view=cloud", height=1500)
    seg = plate_segmentation()
    wait_for_cloud(page)
    settle(page)
    plot = page.locator(".kmseg-cloud-plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    label = page.locator(".kmseg-cloud-plot .hovertext")

    def under_pointer() -> str:
        said = label.first.text_content() if label.count() else ""
        found = re.search(r"cluster (\d+)", said or "")
        return found[1] if found else ""

    for step in range(400):  # until the pointer rests on a point
        page.mouse.move(
            box["x"] + box["width"] * (0.3 + 0.02 * (step % 20)),
            box["y"] + box["height"] * (0.3 + 0.02 * (step // 20)),
        )
        page.wait_for_timeout(30)
        if not under_pointer():
            continue
        page.wait_for_timeout(600)  # the label may be that of the place before
        if number := under_pointer():
            break
    else:
        pytest.fail("No point of the cloud was found.")
    page.mouse.down()
    page.mouse.up()
    cluster = int(number) - 1
    assert_in_focus(page, seg, cluster)

    def labelled() -> set[int]:
        return set(plot.evaluate(CLOUD_LABELS))

    eventually(page, lambda: labelled() == {cluster}, "The cloud does not show the focus.")
    page.locator(".swatches button").nth((cluster + 1) % 3).click()
    both = sorted((cluster, (cluster + 1) % 3))
    assert_in_focus(page, seg, *both)
    eventually(page, lambda: labelled() == set(both), "The cloud does not show the focus.")


def test_k_is_changed_in_full_screen(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}")
    page.get_by_role("button", name="Full screen").click()
    page.get_by_role("button", name="Leave full screen").wait_for()
    page.keyboard.press("+")
    page.get_by_text("1.5 ×").wait_for()
    for _ in range(2):
        page.get_by_role("button", name="One cluster more").click()
    page.get_by_role("button", name="One cluster fewer").click()
    page.get_by_text("4 clusters, ").wait_for()
    assert page.locator(".k output").text_content() == "K = 4"
    page.get_by_role("button", name="Leave full screen").click()
    page.get_by_role("button", name="Full screen", exact=True).wait_for()
    settle(page)
    assert query(page, "n_clusters") == "4"
    assert len(counts(page)) == 4


def test_a_link_with_focus_and_merges_opens_the_same(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}&focus=2&paint=gray&layout=blend")
    seg = plate_segmentation()
    assert_in_focus(page, seg, 1)
    page.locator(".swatches button").nth(2).click()
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_text("2 clusters").first.wait_for()
    settle(page)
    assert query(page, "merge") == "2.3"
    merged = seg.merged([(1, 2)])
    numbers = [int(row["pixels"]) for row in counts(page)]
    assert numbers == merged.pixel_counts.tolist()
    page.get_by_role("button", name="Share").click()
    link = page.get_by_label("Link to what is on the page").input_value()
    other = open_page("?" + urlsplit(link).query)
    settle(other)
    painted(other)
    assert query(other, "focus") == "2.3"
    assert other.get_by_role("radio", name="Blend").is_checked()
    assert other.get_by_role("radio", name="Shades of grey").is_checked()
    group = merged.members.index((1, 2))
    assert pressed(other, ".swatches button") == [group]
    levels = shown_pixels(other, "segmentation")[..., 0]
    np.testing.assert_array_equal(levels, render.palette(merged, "gray")[merged.labels][..., 0])
    assert [int(row["pixels"]) for row in counts(other)] == numbers
    other.get_by_role("button", name="Split", exact=True).click()
    other.get_by_text("3 clusters").first.wait_for()
    settle(other)
    assert query(other, "merge") == ""
    assert [int(row["pixels"]) for row in counts(other)] == seg.pixel_counts.tolist()


def test_the_mask_and_the_cut_out_of_what_is_in_focus(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}&focus=1.3")
    seg = plate_segmentation()
    inside = np.isin(seg.labels, (0, 2))
    painted(page)
    name, content = download(page, "Mask")
    assert name == "plate-5_hsv_c01_k3_s0_mask001_003.png"
    mask = np.asarray(Pillow.open(io.BytesIO(content)))
    np.testing.assert_array_equal(mask, np.where(inside, 255, 0))
    settle(page)
    name, content = download(page, "Cut-out")
    assert name.endswith("_cutout001_003.png")
    cutout = np.asarray(Pillow.open(io.BytesIO(content)))
    np.testing.assert_array_equal(cutout[..., 3], np.where(inside, 255, 0))
    assert seg.image is not None
    np.testing.assert_array_equal(cutout[inside][:, :3], seg.image.pixels[inside])


def test_what_recedes_never_hides_what_is_in_focus(open_page: OpenPage) -> None:
    page = open_page("?picture=flower&n_clusters=5&width=100")
    settings = kmseg.Settings(n_clusters=5, width=100)
    seg = kmseg.segment(kmseg.sample_image("flower"), settings)
    levels = seg.palette.mean(axis=1)
    for scheme in ("light", "dark"):
        show_in(page, scheme)
        for cluster in (int(levels.argmin()), int(levels.argmax())):
            page.locator(".swatches button").nth(cluster).click()
            veil = shown_pixels(page, "veil")[seg.labels != cluster][0]
            assert abs(float(veil[:3].mean()) - levels[cluster]) > 60
            assert veil[3] > 200
            page.get_by_role("button", name="Clear focus").click()


def test_what_is_taken_away_is_of_the_clusters_in_focus(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}&view=download")
    seg = plate_segmentation()
    painted(page)
    for cluster in (2, 0):
        page.locator(".swatches button").nth(cluster).click()
    page.get_by_role("button", name="Mask of clusters 1, 3").wait_for()
    settle(page)
    _, content = download(page, "Mask of clusters 1, 3")
    mask = np.asarray(Pillow.open(io.BytesIO(content)))
    np.testing.assert_array_equal(mask, np.where(np.isin(seg.labels, (0, 2)), 255, 0))
    _, content = download(page, "Settings (JSON)")
    assert json.loads(content)["view"] == {"focus": [1, 3], "merged": []}


def test_another_k_has_nothing_in_focus_but_back_brings_it_again(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}&focus=3")
    assert_in_focus(page, plate_segmentation(), 2)
    step_k(page, 1)
    page.get_by_text("4 clusters").first.wait_for()
    assert pressed(page, ".swatches button") == []
    assert query(page, "focus") == ""
    page.go_back()
    settle(page)
    painted(page)
    assert_in_focus(page, plate_segmentation(), 2)


def test_back_brings_focus_and_merges_as_they_were(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}&view=residual")
    painted(page)
    page.locator(".swatches button").nth(0).click()
    page.locator(".swatches button").nth(1).click()
    page.get_by_role("button", name="Merge", exact=True).click()
    page.wait_for_url(re.compile("merge=1.2"))
    settle(page)
    step_k(page, 1)
    page.get_by_text("4 clusters").first.wait_for()
    page.go_back()
    settle(page)
    page.get_by_text("2 clusters").first.wait_for()
    painted(page)
    assert (query(page, "merge"), query(page, "focus")) == ("1.2", "1.2")
    assert pressed(page, ".swatches button") == [0]
    open_view(page, VIEWS["clusters"])
    page.locator(".swatches button").nth(1).click()
    page.go_back()  # to the other view, where only those two were in focus
    settle(page)
    assert query(page, "view") == "residual"
    assert query(page, "focus") == "1.2"
    assert pressed(page, ".swatches button") == [0]
    step_k(page, 2)
    page.get_by_text("5 clusters").first.wait_for()
    painted(page)
    assert query(page, "focus") == ""
    assert pressed(page, ".swatches button") == []


def test_a_button_let_go_outside_drags_no_more(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}")
    painted(page)
    for _ in range(2):
        page.get_by_role("button", name="Zoom in").click()
    box = page.locator(".right .pane").bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] - 60)
    page.mouse.up()
    before = page.locator(".viewer").get_attribute("style")
    for step in range(5):
        page.mouse.move(box["x"] + 100 + 9 * step, box["y"] + 50)
    assert page.locator(".viewer").get_attribute("style") == before


# -- the viewer ------------------------------------------------------------------------------------


def test_paint_layout_focus_and_zoom_send_nothing_to_the_server(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}")
    painted(page)
    settle(page)
    sent = socket_frames(page, "Sent")
    for name in (
        "Shades of grey",
        "Boundaries",
        "Cluster colours",
        "Swipe",
        "Blend",
        "Side by side",
    ):
        page.get_by_role("radio", name=name).click()
    page.locator(".swatches button").first.click()
    page.get_by_role("row").nth(2).click()
    click_pixel(page, "right", 0.5, 0.5)
    # At once: a zoom that lasts asks the server for the visible region's pixels.
    zoom_in, fit = (
        page.get_by_role("button", name=name).element_handle() for name in ("Zoom in", "Fit")
    )
    page.evaluate("([zoomIn, fit]) => { zoomIn.click(); fit.click() }", [zoom_in, fit])
    page.wait_for_timeout(1500)
    assert sent == []


def test_boundaries_lie_between_clusters_over_the_original(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}&paint=boundaries")
    seg = plate_segmentation()
    assert seg.image is not None
    shown = shown_pixels(page, "segmentation")
    over = np.where(shown[..., 3:] > 0, shown[..., :3], seg.image.pixels)
    np.testing.assert_array_equal(over, render.boundaries(seg))


def contrast(one: float, other: float) -> float:
    """Contrast ratio of WCAG 2.2 between two levels of gray."""
    low, high = sorted(((level / 255 + 0.055) / 1.055) ** 2.4 for level in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_boundaries_in_one_colour_did_not_show_on_pictures_like_it(open_page: OpenPage) -> None:
    page = open_page("?paint=boundaries&n_clusters=2")
    for levels in ((12, 40), (215, 255), (118, 138)):
        pixels = np.full((640, 960, 3), levels[0], np.uint8)
        pixels[:, 480:] = levels[1]
        name = f"from {levels[0]}.png"
        open_files(page, {"name": name, "mimeType": "image/png", "buffer": png(pixels)})
        page.locator(f".viewer .original[alt='Original: {name}']").first.wait_for(state="attached")
        settle(page)
        painted(page)
        pane = page.locator(".right .pane")
        screen = np.asarray(Pillow.open(io.BytesIO(pane.screenshot())).convert("L"), float)
        row = screen[len(screen) // 2]
        middle = row[len(row) // 2 - 6 : len(row) // 2 + 6]
        for level in levels:
            assert max(contrast(level, seen) for seen in middle) >= 3


def test_zoomed_in_every_pixel_of_the_photo_is_shown(open_page: OpenPage, photo: Path) -> None:
    page = open_page("?n_clusters=5", height=1000)
    upload(page, photo)
    seg = kmseg.segment(kmseg.read_image(photo), kmseg.Settings(n_clusters=5))
    painted(page)
    assert page.locator(PICTURES["region"]).is_hidden()
    pane = page.locator(".right .pane")
    pane.focus()
    for key in (*"+" * 12, "ArrowLeft", "ArrowUp", "ArrowUp"):
        pane.press(key)
    page.locator(PICTURES["region"]).wait_for(timeout=30_000)
    settle(page)
    for part in ("region", "original"):
        expected = seg.palette[seg.labels] if part == "region" else seg.image.pixels  # type: ignore
        selector = PICTURES["region"] if part == "region" else ".left img.region"
        element = page.locator(selector)
        x, y = re.findall(r"([\d.]+)%", element.evaluate("e => e.style.transform"))
        left, top = round(float(x) * 40), round(float(y) * 26.69)
        shown = pixels_of(element)[..., :3]
        height, width = shown.shape[:2]
        np.testing.assert_array_equal(shown, expected[top : top + height, left : left + width])
    # What is on the screen are those pixels, with edges.
    zoom, x, y = (
        float(page.locator(".viewer").evaluate(f"e => e.style.getPropertyValue('--{name}')"))
        for name in ("zoom", "x", "y")
    )
    box = pane.bounding_box()
    assert box
    screen = np.asarray(Pillow.open(io.BytesIO(pane.screenshot())).convert("RGB"))
    checked = 0
    for u, v in np.random.default_rng(0).uniform(0.1, 0.9, (200, 2)):
        at = np.array((u - x, v - y)) / zoom * (4000, 2669)
        if (np.abs(at % 1 - 0.5) > 0.25).any():
            continue  # too near to the pixel's edge on the screen
        column, row = at.astype(int)
        seen = screen[int(v * box["height"]), int(u * box["width"])]
        np.testing.assert_allclose(seen, seg.palette[seg.labels[row, column]], atol=1)
        checked += 1
    assert checked > 20
    step_k(page, 1)  # the same part, newly clustered
    painted(page)
    assert page.locator(PICTURES["region"]).is_visible()
    page.get_by_role("button", name="Fit").click()
    assert page.locator(".zoom output").inner_text() == "1 ×"


@pytest.mark.parametrize("space", ["bgr", "hsv-circular", "cielab"])
def test_the_pixel_under_the_pointer_is_told(open_page: OpenPage, space: str) -> None:
    page = open_page(f"?picture=plate-6&n_clusters=3&color_space={space}", save_data=False)
    settings = kmseg.Settings(color_space=space, n_clusters=3)
    seg = kmseg.segment(kmseg.sample_image("plate-6"), settings)
    wait_until_held(page)
    pane = page.locator(".right .pane")
    box = pane.bounding_box()
    assert box and seg.image is not None
    for u, v in ((0.31, 0.42), (0.6, 0.7)):
        pane.hover(position={"x": u * box["width"], "y": v * box["height"]})
        said = page.locator(".readout").inner_text()
        found = re.match(r"x (\d+) y (\d+) · (#\w{6})", said)
        assert found, said
        column, row = int(found[1]), int(found[2])
        assert abs(column - u * 600) < 2 and abs(row - v * 600) < 2
        color = seg.image.pixels[row, column]
        assert found[3] == kmseg.settings.to_hex(color)
        assert said.endswith(f"cluster {seg.labels[row, column] + 1}")
        if space != "rgb":
            values = [
                float(value)
                for name, value in zip(
                    COLOR_SPACES[space].coordinates,
                    re.findall(r"(-?[\d.]+)(?: |$)", said.split(" · ")[2]),
                    strict=True,
                )
            ]
            exact = features(color[None], space)[0]
            np.testing.assert_allclose(values, exact, atol=1.06)


def test_the_browser_converts_to_every_space_as_python_does(open_page: OpenPage) -> None:
    page = open_page("?width=20")
    source = resources.files("kmseg.color").joinpath("spaces.js").read_text(encoding="utf-8")
    colors = np.random.default_rng(0).integers(0, 256, (2_000, 3), np.uint8)
    colors[:256] = np.arange(256)[:, None]
    colors[256:259] = np.diag([255] * 3)
    found = page.evaluate(
        "async ([source, colors]) => {"
        "const { SPACES } = await import(`data:text/javascript,${encodeURIComponent(source)}`);"
        "return Object.fromEntries(Object.entries(SPACES)"
        ".map(([key, convert]) => [key, colors.map(convert)])) }",
        [source, colors.tolist()],
    )
    assert set(found) == set(COLOR_SPACES)
    for key, space in COLOR_SPACES.items():
        expected = space.convert(colors)
        whole = (expected == expected.round()).all()  # else the libraries' cosines differ
        tolerance = 0 if whole else 1e-9
        np.testing.assert_allclose(found[key], expected, rtol=0, atol=tolerance, err_msg=key)


def test_text_on_a_cluster_has_the_same_colour_in_the_viewer_as_in_the_cloud(
    open_page: OpenPage,
) -> None:
    page = open_page("?width=20")
    path = "ui/components/shared/colors.js"
    files = modules.sources()
    functions = [modules.as_function(name, files[name]) for name in modules.in_order(files, path)]
    source = "\n".join(
        ["const modules = {}", *functions, f"export const {{ inkOn }} = modules['{path}']"]
    )
    colors = np.random.default_rng(0).integers(0, 256, (2000, 3), np.uint8)
    colors[:256] = np.arange(256)[:, None]
    found = page.evaluate(
        "async ([source, colors]) => {"
        "const { inkOn } = await import(`data:text/javascript,${encodeURIComponent(source)}`);"
        "return colors.map(inkOn) }",
        [source, colors.tolist()],
    )
    full = {"#000": "#000000", "#fff": "#ffffff"}
    assert [full[ink] for ink in found] == [clouds.ink(color) for color in colors]


# -- sheet and ladder ------------------------------------------------------------------------------


def test_a_tile_and_a_rung_are_adopted_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("?picture=plate-74&n_clusters=3&view=sheet", height=1400)
    tile = page.get_by_role("group", name=COLOR_SPACES["cielab"].title, exact=True).get_by_role(
        "button", name="a*, b*", exact=True
    )
    tile.focus()
    tile.press("Enter")
    page.wait_for_url(re.compile("color_space=cielab&channels=12"))
    settle(page)
    assert tile.get_attribute("aria-pressed") == "true"
    seg = kmseg.segment(
        kmseg.sample_image("plate-74"),
        kmseg.Settings(color_space="cielab", channels="12", n_clusters=3),
    )
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], render_of(seg))
    choose(page, "Choosing K")
    rung = page.get_by_role("button", name=re.compile("^K = 7"))
    rung.press("Enter")
    page.wait_for_url(re.compile("n_clusters=7"))
    settle(page)
    page.get_by_text("7 clusters").first.wait_for()
