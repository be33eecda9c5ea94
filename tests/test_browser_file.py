"""The page as one HTML file, opened from the disk in a real browser without a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import expect

import kmseg
from kmseg.output import export
from kmseg.ui import offline
from oracles import image_at, random_image, with_holes
from test_browser_axe import DESKTOP, PHONE, violations
from test_cli_kinds import tiff
from visitor import (
    OpenPage,
    choose,
    download,
    eventually,
    open_files,
    painted,
    pixels_of,
    render_of,
    settle,
    shown_pixels,
    wait_for_cloud,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route

OpenFile = Callable[..., "Page"]
BUTTONS = ["Zoom out", "Zoom in", "Fit", "Full screen"]


def saved(
    seg: kmseg.Segmentation, folder: Path, picture: str = "my photo.jpg", **options: Any
) -> Path:
    """The file of a segmentation."""
    path = folder / "page.html"
    path.write_bytes(offline.page(**options).make(seg, export.Context(picture)))
    return path


@pytest.fixture
def open_file(browser: Browser) -> Iterator[OpenFile]:
    """A function that opens a file; a request, console error or page error fails the test."""
    problems: list[str] = []
    contexts = []

    def is_local(url: str) -> bool:
        return urlsplit(url).scheme in ("file", "data", "blob")

    def on_request(request: Request) -> None:
        if not is_local(request.url):
            problems.append(f"request: {request.url}")

    def on_route(route: Route) -> None:
        if is_local(route.request.url):
            route.continue_()
        else:
            route.abort()

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"console error: {message.text}")

    def opened(path: Path, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_offline(True)
        context.route("**/*", on_route)
        page = context.new_page()
        page.on("request", on_request)
        page.on("console", on_console)
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        page.goto(path.as_uri())
        painted(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


def rows(page: Page) -> list[list[str]]:
    """The cells of the table."""
    lines = page.locator("#table tbody tr")
    return [line.locator("th, td").all_inner_texts() for line in lines.all()]


def visible_buttons(page: Page) -> list[str]:
    buttons = page.locator("#viewer button:visible:not(.swatches button)").all()
    return [button.get_attribute("aria-label") or button.inner_text() for button in buttons]


# -- kinds of segmentations ------------------------------------------------------------------------


def flower() -> kmseg.Segmentation:
    return kmseg.segment(image_at("flower", 640), kmseg.Settings(color_space="hsv", n_clusters=5))


def transparent() -> kmseg.Segmentation:
    return kmseg.segment(with_holes(image_at("flower", 90), 4), kmseg.Settings(n_clusters=4))


def carried_with_an_empty_cluster() -> kmseg.Segmentation:
    image = image_at("flower", 200)
    seg = kmseg.segment(image, kmseg.Settings(color_space="oklab", n_clusters=5))
    others = image.pixels[seg.labels > 0][:4800]
    found = seg.predict(kmseg.Image(others.reshape(60, 80, 3)))
    assert found.pixel_counts[0] == 0
    return found


def thirty_two() -> kmseg.Segmentation:
    settings = kmseg.Settings(color_space="cielab", channels="12", n_clusters=32, attempts=2)
    return kmseg.segment(image_at("china", 300), settings)


def gray_with_units() -> kmseg.Segmentation:
    values = np.random.default_rng(1).choice(np.array([1000, 1400, 1490], np.uint16), (40, 60))
    image = kmseg.read_image(tiff(values))
    assert image.scale is not None
    return kmseg.segment(image, kmseg.Settings(color_space="gray", n_clusters=3))


def merged() -> kmseg.Segmentation:
    return kmseg.segment(image_at("flower", 200), kmseg.Settings(n_clusters=5)).merged([(0, 2)])


def reduced() -> kmseg.Segmentation:
    return kmseg.segment(random_image(3, (700, 2900), 6), kmseg.Settings(n_clusters=4))


@pytest.mark.parametrize(
    "make",
    [
        flower,
        transparent,
        carried_with_an_empty_cluster,
        thirty_two,
        gray_with_units,
        merged,
        reduced,
    ],
)
def test_a_saved_page_shows_every_pixel_and_count(
    make: Callable[[], kmseg.Segmentation], open_file: OpenFile, tmp_path: Path
) -> None:
    seg = make()
    page = open_file(saved(seg, tmp_path))
    image = seg.image
    assert image is not None
    labels = seg.labels_at(*image.grid(offline.SIDE))
    shown = shown_pixels(page, "segmentation")
    inside = labels >= 0
    assert labels.shape == shown.shape[:2] and max(labels.shape) <= 2048
    np.testing.assert_array_equal(shown[inside][:, :3], seg.palette[labels[inside]])
    np.testing.assert_array_equal(shown[..., 3], np.where(inside, 255, 0))
    cells = rows(page)
    assert [line[0].strip() for line in cells] == seg.names
    assert [int(line[2].replace(",", "")) for line in cells] == seg.pixel_counts.tolist()
    assert [line[1].strip() for line in cells] == [f"{share:.1%}" for share in seg.shares]
    bars = page.locator("#table .share i").evaluate_all("all => all.map(each => each.style.width)")
    widths = 100 * seg.pixel_counts / seg.pixel_counts.max()
    np.testing.assert_allclose([float(bar.removesuffix("%")) for bar in bars], widths, rtol=1e-4)
    assert page.locator("#viewer .swatches button").all_inner_texts() == seg.names
    assert visible_buttons(page) == BUTTONS
    settings = page.locator("header p").inner_text()
    assert f"K = {len(seg.clusters.centroids)}" in settings
    assert all(note in settings for note in image.notes)
    total = f"{seg.pixel_counts.sum():,} pixels were clustered"
    assert total in page.locator("footer").inner_text()


def test_the_readout_of_a_gray_file_has_its_units(open_file: OpenFile, tmp_path: Path) -> None:
    page = open_file(saved(gray_with_units(), tmp_path))
    page.locator("#viewer .right .pane").hover()
    expect(page.locator("#viewer .readout")).to_contain_text(re.compile(r"value 1,\d{3}"))
    assert "Value in the file" in page.locator("#table thead").inner_text()


# -- what people do with it ------------------------------------------------------------------------


def test_clicks_on_picture_swatch_and_row_focus_a_cluster(
    open_file: OpenFile, tmp_path: Path
) -> None:
    seg = merged()
    page = open_file(saved(seg, tmp_path))
    pressed = page.locator("#viewer .swatches button[aria-pressed=true]")
    page.locator("#viewer .right .pane").click(position={"x": 5, "y": 5})
    number = int(seg.labels[1, 1])
    expect(pressed).to_have_text([seg.names[number]])
    veil = shown_pixels(page, "veil")
    np.testing.assert_array_equal(veil[..., 3] == 0, seg.labels == number)
    page.locator("#viewer .swatches button", has_text=seg.names[number]).click()
    expect(pressed).to_have_count(0)
    page.locator("#table tbody tr").nth(1).click()
    expect(pressed).to_have_text([seg.names[1]])
    assert visible_buttons(page) == [*BUTTONS, "Clear focus"]
    page.reload()  # the address of the file keeps the focus
    painted(page)
    expect(pressed).to_have_text([seg.names[1]])
    page.get_by_role("button", name="Clear focus").click()
    expect(pressed).to_have_count(0)


def test_layouts_paints_and_zoom_work(open_file: OpenFile, tmp_path: Path) -> None:
    seg = flower()
    page = open_file(saved(seg, tmp_path))
    page.get_by_role("radio", name="Swipe").check(force=True)
    pane, canvas = page.locator("#viewer .right .pane"), page.locator("#viewer canvas.segmentation")
    box = pane.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, middle, steps=4)
    page.mouse.up()
    clip = canvas.first.evaluate("canvas => canvas.style.clipPath")
    assert float(re.findall(r"[\d.]+", clip)[-1]) == pytest.approx(25, abs=1)
    page.get_by_role("radio", name="Blend").check(force=True)
    assert canvas.first.evaluate("canvas => canvas.style.opacity") == "0.25"
    page.get_by_role("radio", name="Side by side").check(force=True)
    page.get_by_role("radio", name="Shades of grey").check(force=True)
    grays = np.rint(255 * np.arange(5) / 4).astype(np.uint8)
    shown = shown_pixels(page, "segmentation")
    np.testing.assert_array_equal(shown[..., 0], grays[seg.labels])
    page.get_by_role("radio", name="Boundaries").check(force=True)
    assert 0 < (shown_pixels(page, "segmentation")[..., 3] == 0).mean() < 1
    page.get_by_role("button", name="Zoom in").click()
    expect(page.get_by_label("Zoom", exact=True).last).to_have_text("2 ×")


def test_the_cloud_is_drawn_and_follows_the_focus_and_the_theme(
    open_file: OpenFile, tmp_path: Path
) -> None:
    seg = flower()
    page = open_file(saved(seg, tmp_path))
    page.locator("#cloud").scroll_into_view_if_needed()
    wait_for_cloud(page)
    expect(page.locator("#cloud [role=status]")).to_have_text("")
    colors = "() => [...new Set(document.querySelector('#cloud .js-plotly-plot').data[0]"
    colors += ".marker.color)]"
    assert len(page.evaluate(colors)) > 100
    page.get_by_role("radio", name="Cluster", exact=True).check()
    hexes = {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in seg.palette.tolist()}
    eventually(page, lambda: len(page.evaluate(colors)) == 5, "The paint did not change.")
    assert set(page.evaluate(colors)) == hexes
    page.locator("#table tbody tr").nth(2).click()
    said = "The cloud does not follow the focus."
    eventually(page, lambda: len(page.evaluate(colors)) == 2, said)  # with the faded ones
    background = "document.querySelector('#cloud .js-plotly-plot')._fullLayout.paper_bgcolor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    eventually(page, lambda: page.evaluate(background) != light, "The cloud stayed light.")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save picture").click()
    with Pillow.open(Path(waiting.value.path())) as picture:
        small = np.asarray(picture.convert("RGB").resize((200, 100)))
    assert len(np.unique(small.reshape(-1, 3), axis=0)) > 50


@pytest.mark.parametrize(
    ("size", "schemes"),
    [(PHONE, ("light", "dark")), (DESKTOP, ("dark", "light"))],
    ids=["phone", "desktop"],
)
def test_a_saved_page_has_no_fault_that_axe_core_finds(
    size: dict[str, Any], schemes: tuple[Any, Any], open_file: OpenFile, tmp_path: Path
) -> None:
    window = {"width": size["width"], "height": size["height"]}
    others = {name: value for name, value in size.items() if name not in window}
    path = saved(merged(), tmp_path, link="http://localhost:8501/?v=1")
    page = open_file(path, viewport=window, color_scheme=schemes[0], **others)
    page.locator("#cloud").scroll_into_view_if_needed()
    wait_for_cloud(page)
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == window["width"]


# -- texts from strangers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "</script><script>window.ran = true</script> <img src=x onerror='window.ran = true'>",
        "$data ${script} $$ &amp; \"quotes\" 'and' \\u003c </template></title><!--<script>",
    ],
)
def test_a_file_name_with_markup_is_text(name: str, open_file: OpenFile, tmp_path: Path) -> None:
    page = open_file(saved(transparent(), tmp_path, f"{name}.png"))
    assert page.locator("h1").inner_text() == re.sub(r" +", " ", name)
    assert page.title() == f"{name} · kmseg"
    assert page.locator("#viewer img.original").first.get_attribute("alt") == f"Original: {name}"
    assert page.evaluate("window.ran") is None
    assert page.locator("body img[src=x]").count() == 0


def test_a_link_cannot_leave_its_attribute(open_file: OpenFile, tmp_path: Path) -> None:
    link = "http://host/?a=\"><script>window.ran = true</script>&b='"
    page = open_file(saved(transparent(), tmp_path, link=link))
    assert page.get_by_role("link").get_attribute("href") == link
    assert page.evaluate("window.ran") is None


ATTEMPTS = {
    "fetch('https://example.org/')": "connect-src",
    "new Image().src = 'https://example.org/x.png'": "img-src",
    "new WebSocket('wss://example.org/')": "connect-src",
    "document.head.append(Object.assign(document.createElement('script'),"
    " { textContent: 'window.ran = true' }))": "script-src-elem",
}


def test_the_file_forbids_itself_requests_and_other_scripts(
    browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(saved(transparent(), tmp_path).as_uri())
    painted(page)
    for attempt, expected in ATTEMPTS.items():
        directive = page.evaluate(
            f"""() => new Promise(resolve => {{
              const say = event => resolve(event.effectiveDirective)
              addEventListener("securitypolicyviolation", say, {{ once: true }})
              Promise.resolve({attempt}).catch(() => {{}})
            }})"""
        )
        assert directive == expected
    assert page.evaluate("window.ran") is None
    context.close()


# -- from the page ---------------------------------------------------------------------------------


def shows_upload(page: Page, photo: Path) -> None:
    """Open a photo on the page and wait until it is shown."""
    open_files(page, photo)
    original = page.locator(f".viewer .original[alt='Original: {photo.name}']")
    original.first.wait_for(state="attached", timeout=60_000)
    settle(page)


def test_an_upload_travels_as_a_file(
    open_page: OpenPage, open_file: OpenFile, tmp_path: Path
) -> None:
    pixels = image_at("china", 1500).pixels.astype(np.int16)
    pixels += np.random.default_rng(0).integers(-4, 5, pixels.shape, np.int16)
    photo = tmp_path / "from my camera.jpg"
    Pillow.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(photo, quality=92)
    page = open_page("?picture=upload&color_space=cielab&n_clusters=6&view=download&merge=1.3")
    shows_upload(page, photo)
    choose(page, "1,024 pixels")
    name, content = download(page, "Page that works offline (HTML)")
    assert re.fullmatch(r"from my camera_cielab_call_k5_s0_\w{8}_page\.html", name)
    assert len(content) < 3_000_000
    path = tmp_path / name
    path.write_bytes(content)
    file = open_file(path)
    seg = kmseg.segment(
        kmseg.read_image(photo), kmseg.Settings(color_space="cielab", n_clusters=6)
    ).merged([(0, 2)])
    assert seg.image is not None
    labels = seg.labels_at(*seg.image.grid(1024))
    np.testing.assert_array_equal(shown_pixels(file, "segmentation")[..., :3], seg.palette[labels])
    assert [int(line[2].replace(",", "")) for line in rows(file)] == seg.pixel_counts.tolist()
    assert file.locator("h1").inner_text() == "from my camera"
    link = file.get_by_role("link").get_attribute("href") or ""
    query = dict(parse_qsl(urlsplit(link).query))
    assert query["picture"] == "upload" and query["merge"] == "1.3"
    assert link.startswith(page.evaluate("location.origin + location.pathname"))
    other = open_page(link.replace(page.evaluate("location.origin"), ""))
    shows_upload(other, photo)  # the recipient's own picture gets the settings
    assert "color_space=cielab" in other.url and "n_clusters=6" in other.url


def test_the_file_of_a_sample_links_to_the_sample(
    open_page: OpenPage, open_file: OpenFile, tmp_path: Path
) -> None:
    page = open_page("?picture=plate-6&color_space=hsv&channels=01&n_clusters=3&view=download")
    _, content = download(page, "Page that works offline (HTML)")
    path = tmp_path / "plate.html"
    path.write_bytes(content)
    file = open_file(path)
    link = file.get_by_role("link").get_attribute("href") or ""
    original = pixels_of(file.locator("#viewer img.original").first)
    image = kmseg.sample_image("plate-6")
    np.testing.assert_array_equal(original[..., :3], image.pixels)  # not reduced, so lossless
    other = open_page(link.replace(page.evaluate("location.origin"), ""))
    painted(other)
    settings = kmseg.Settings(color_space="hsv", channels="01", n_clusters=3)
    seg = kmseg.segment(image, settings)
    np.testing.assert_array_equal(shown_pixels(other, "segmentation")[..., :3], render_of(seg))
