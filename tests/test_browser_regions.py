"""The view "Objects" in a real browser: tidying, filters, the list, and objects in the pictures."""

from __future__ import annotations

import csv
import io
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import kmseg
from inprocess import png
from visitor import OpenPage, download, eventually, open_files, painted, pixels_of, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

QUERY = "?picture=upload-00000000&color_space=cielab&n_clusters=2&view=regions"
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}


@cache
def coins() -> np.ndarray:
    from skimage import data

    pixels: np.ndarray = data.coins()
    return pixels


@cache
def regions(smallest: int = 0) -> kmseg.Regions:
    image = kmseg.read_image(png(coins()))
    settings = kmseg.Settings(color_space="cielab", n_clusters=2, smallest_region=smallest)
    return kmseg.segment(image, settings).regions()


def open_coins(open_page: OpenPage, more: str = "", **window: Any) -> Page:
    page = open_page(QUERY + more, **window)
    open_files(page, {"name": "coins.png", "mimeType": "image/png", "buffer": png(coins())})
    page.locator(".found:not([hidden])").wait_for(timeout=60_000)
    settle(page)
    painted(page)
    return page


def told(page: Page, text: str) -> None:
    said = f"The page does not say: {text}"
    eventually(page, lambda: text in page.locator(".objects").inner_text(), said)


def address_has(page: Page, **expected: str) -> None:
    """Wait until the address has these parameters, which the server writes."""

    def has() -> bool:
        query = parse_qs(urlsplit(page.url).query)
        return all(query.get(name) == [text] for name, text in expected.items())

    eventually(page, has, f"The address has no {expected}: {page.url}")


def cells(page: Page, title: str) -> list[str]:
    """The texts of a column in the rows that exist."""
    heads = page.locator(".rows th").all_inner_texts()
    at = next(i for i, head in enumerate(heads) if head.split(" ")[0] == title)
    texts: list[str] = page.locator(f".rows tbody td:nth-child({at + 1})").all_inner_texts()
    return texts


def column(page: Page, title: str) -> list[float]:
    return [float(text.replace(",", "")) for text in cells(page, title)]


def scroll_to(page: Page, top: int) -> None:
    page.locator(".rows").evaluate("(rows, top) => (rows.scrollTop = top)", top)


def veil(page: Page) -> np.ndarray:
    """The opacity of the veil over the objects, by pixel of the preview."""
    alpha: np.ndarray = pixels_of(page.locator(".right .dimming"))[..., 3]
    return alpha


def click_picture(page: Page, row: float, column: float) -> None:
    height, width = coins().shape
    box = page.locator(".right .pane").bounding_box()
    assert box
    place = {
        "x": (column + 0.5) / width * box["width"],
        "y": (row + 0.5) / height * box["height"],
    }
    page.locator(".right .pane").click(position=place)  # type: ignore[arg-type]


def test_one_control_leaves_22_of_the_coins_166_regions(open_page: OpenPage) -> None:
    page = open_coins(open_page)
    told(page, "624 regions")
    told(page, "2: 166 objects")
    slider = page.get_by_role("slider", name="Smallest region, common sizes")
    slider.focus()
    while page.get_by_label("Smallest region", exact=True).input_value() != "50":
        slider.press("ArrowRight")
    told(page, "624 regions, 24 after tidying")
    told(page, "2: 22 objects")
    address_has(page, smallest_region="50")
    field = page.get_by_label("Smallest region", exact=True)
    field.fill("5 %")
    field.press("Enter")
    told(page, "624 regions, 2 after tidying")
    field.fill("some")
    field.press("Enter")
    page.get_by_text("Type a number of pixels such as 50").wait_for()
    address_has(page, smallest_region="5%")
    field.fill("0")
    field.press("Enter")
    told(page, "2: 166 objects")
    page.get_by_role("button", name="Fill the holes of cluster 2").click()
    told(page, "624 regions, ")
    settle(page)
    filled = kmseg.segment(
        kmseg.read_image(png(coins())), kmseg.Settings(color_space="cielab", n_clusters=2)
    ).tidied(fill_holes=(2,))
    told(page, f"{filled.regions().n_regions} after tidying")
    assert page.get_by_role("button", name="Fill the holes of cluster 2", pressed=True).count()


def test_rows_are_sorted_and_only_the_visible_ones_exist(open_page: OpenPage) -> None:
    page = open_coins(open_page)
    found = regions()
    shown = column(page, "Area")  # the largest are on top
    assert shown == sorted(found.area.tolist(), reverse=True)[: len(shown)]
    assert len(shown) < 60
    scroll_to(page, 10**6)
    said = "The list did not scroll to its end."
    eventually(page, lambda: column(page, "Area")[-1] == found.area.min(), said)
    assert page.locator(".rows tbody tr").last.get_attribute("aria-rowindex") == "625"
    page.get_by_role("button", name="Area", exact=True).click()
    scroll_to(page, 0)
    eventually(page, lambda: column(page, "Area")[0] == found.area.min(), said)
    for title, values in {
        "x": found.centroid[:, 1],
        "Perimeter": found.perimeter,
        "Eccentricity": found.eccentricity,
    }.items():
        page.get_by_role("button", name=title, exact=True).click()
        expected = sorted(values.tolist(), reverse=True)
        shown = column(page, title)
        np.testing.assert_allclose(shown, expected[: len(shown)], atol=0.051)


def test_filters_change_the_list_the_sentence_and_the_pictures(open_page: OpenPage) -> None:
    page = open_coins(open_page, "&smallest_region=50")
    found = regions(50)
    total = int(found.area.sum())
    told(page, f"Listed: 24 objects, {total:,} pixels (100.0% of the picture).")
    page.get_by_label("Leave out what touches the border").check()
    inside = ~found.touches_border
    area = int(found.area[inside].sum())
    told(page, f"Listed: {inside.sum()} of 24 objects, {area:,} pixels")
    outside = np.isin(found.label_image, found.label[~inside])
    np.testing.assert_array_equal(veil(page) > 0, outside)
    most = page.get_by_role("slider", name="Area, at most")
    most.fill("71")  # of 200
    most.press("ArrowLeft")
    assert most.input_value() == "70"
    limit = float(most.get_attribute("aria-valuetext").replace(",", ""))  # type: ignore[union-attr]
    kept = inside & (found.area <= limit)
    assert 0 < kept.sum() < inside.sum()
    told(page, f"Listed: {kept.sum()} of 24 objects")
    assert sorted(column(page, "No.")) == found.label[kept].tolist()
    np.testing.assert_array_equal(veil(page) > 0, ~np.isin(found.label_image, found.label[kept]))
    page.get_by_role("button", name="Clear filters").click()
    told(page, "Listed: 24 objects")
    page.locator(".swatches button").nth(1).click()  # a cluster in focus filters too
    told(page, "Listed: 22 of 24 objects")
    page.get_by_role("button", name="2: 22 objects").click()
    told(page, "Listed: 24 objects")


def test_a_row_shows_its_object_and_a_click_in_the_picture_finds_the_row(
    open_page: OpenPage,
) -> None:
    page = open_coins(open_page, "&smallest_region=50")
    found = regions(50)
    page.locator(".rows tbody tr").nth(3).click()
    chosen = int(np.argsort(-found.area, kind="stable")[3])
    np.testing.assert_array_equal(veil(page) == 0, found.label_image == chosen + 1)
    box = page.locator(".right .box rect").first
    top, left, bottom, right = found.bbox[chosen] / np.tile(coins().shape, 2)
    shown = [float(box.get_attribute(name) or 0) for name in ("x", "y", "width", "height")]
    np.testing.assert_allclose(shown, [left, top, right - left, bottom - top])
    # Keys move from row to row.
    table = page.get_by_role("grid", name="Objects")
    table.press("ArrowDown")
    following = int(np.argsort(-found.area, kind="stable")[4])
    np.testing.assert_array_equal(veil(page) == 0, found.label_image == following + 1)
    table.press("End")
    least = int(np.argmin(found.area))
    assert page.locator("tr[aria-selected=true] td").first.inner_text() == str(least + 1)
    table.press("Escape")
    assert page.locator("tr[aria-selected=true]").count() == 0
    assert page.locator(".right .dimming").is_hidden()
    # The last row is scrolled to when its object is clicked.
    page.get_by_role("button", name="Area", exact=True).click()
    scroll_to(page, 10**6)
    row, col = np.argwhere(found.label_image == least + 1)[0]
    click_picture(page, row, col)
    marked = page.locator("tr[aria-selected=true]")
    assert marked.locator("td").first.inner_text() == str(least + 1)
    assert page.locator(".rows").evaluate("rows => rows.scrollTop") == 0
    click_picture(page, row, col)
    assert marked.count() == 0


def test_an_object_of_another_segmentation_was_shown_after_a_change(open_page: OpenPage) -> None:
    page = open_coins(open_page, "&smallest_region=50")
    page.locator(".rows tbody tr").first.click()
    page.locator(".right .box rect").first.wait_for(state="attached")
    page.get_by_role("radio", name="Explore", exact=True).click()
    settle(page)
    assert page.locator(".right .box rect").count() == 0
    assert page.locator(".right .dimming").is_hidden()
    box = page.locator(".right .pane").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(".viewer.some").wait_for()  # a click is a click on a cluster again


def test_the_scale_adds_columns_and_stays_in_the_link(open_page: OpenPage) -> None:
    page = open_coins(open_page, "&smallest_region=50")
    field = page.get_by_label("Pixels per mm")
    field.fill("4")
    field.press("Enter")
    page.get_by_role("button", name="No.", exact=True).click()
    found = regions(50)
    shown = [float(text.replace(",", "")) for text in cells(page, "mm²")]
    np.testing.assert_allclose(shown, found.area[: len(shown)] / 16, rtol=0.006)
    assert parse_qs(urlsplit(page.url).query)["scale"] == ["4"]
    _, content = download(page, "Listed objects (CSV)")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [int(row["label"]) for row in rows] == found.label.tolist()
    assert [int(row["area"]) for row in rows] == found.area.tolist()
    for name, values, digits in (
        ("perimeter", found.perimeter, 4),
        ("eccentricity", found.eccentricity, 6),
        ("centroid-0", found.centroid[:, 0], 4),
        ("centroid-1", found.centroid[:, 1], 4),
        ("mean_color-2", found.mean_color[:, 2], 4),
        ("area_mm2", found.area / 16, 9),
    ):
        assert [float(row[name]) for row in rows] == values.round(digits).tolist(), name
    for side in range(4):
        assert [int(row[f"bbox-{side}"]) for row in rows] == found.bbox[:, side].tolist()
    settle(page)
    _, content = download(page, "Objects (CSV)")
    whole = list(csv.DictReader(io.StringIO(content.decode())))
    assert list(whole[0]) == list(rows[0])
    for own, other in zip(whole, rows, strict=True):
        for name, text in own.items():
            assert other[name] == text or float(other[name]) == float(text), name
    field.fill("none")
    field.press("Enter")
    page.get_by_text("Type a number such as 12.5").wait_for()
    field.fill("")
    field.press("Enter")
    assert "mm²" not in " ".join(page.locator(".rows th").all_inner_texts())
    assert "scale" not in parse_qs(urlsplit(page.url).query)


def test_on_a_phone_nothing_lies_beside_the_page(open_page: OpenPage) -> None:
    page = open_coins(open_page, "&smallest_region=50", **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".filters summary").tap()
    page.get_by_label("Leave out what touches the border").check()
    told(page, " of 24 objects")
    page.locator(".rows tbody tr").first.tap()
    assert page.locator("tr[aria-selected=true]").count() == 1
    assert page.locator(".right .box rect").count() == 2


def test_many_objects_are_filtered_without_the_server(open_page: OpenPage) -> None:
    noise = np.random.default_rng(0).integers(0, 2, (220, 330), np.uint8) * 255
    page = open_page(QUERY)
    open_files(page, {"name": "noise.png", "mimeType": "image/png", "buffer": png(noise)})
    page.locator(".found:not([hidden])").wait_for(timeout=60_000)
    settle(page)
    seg = kmseg.segment(
        kmseg.read_image(png(noise)), kmseg.Settings(color_space="cielab", n_clusters=2)
    )
    found = seg.regions()
    assert found.n_regions > 5000
    told(page, f"Listed: {found.n_regions:,} objects")
    sent: list[object] = []
    page.on("request", lambda request: sent.append(request.url))
    network = page.context.new_cdp_session(page)
    network.on("Network.webSocketFrameSent", lambda event: sent.append(event))
    network.send("Network.enable")
    page.get_by_label("Leave out what touches the border").check()
    n = int((~found.touches_border).sum())
    told(page, f"Listed: {n:,} of {found.n_regions:,} objects")
    assert sent == []
    assert page.locator(".rows tbody tr").count() < 60


@pytest.mark.expects_problem("404")
def test_a_list_that_the_server_keeps_no_more_is_asked_for_again(open_page: OpenPage) -> None:
    page = open_page("?picture=plate-5&n_clusters=3&width=200")
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=404, body="gone")

    page.route("**/kmseg/preview/*/table", refuse_once)
    page.get_by_role("radio", name="Regions", exact=True).click()
    page.locator(".found:not([hidden])").wait_for(timeout=60_000)
    assert len(refused) == 1
    assert page.locator(".rows tbody tr").count() > 5
