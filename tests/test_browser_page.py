"""The page in a real browser: what is painted, clicked, copied, downloaded and turned."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

import kmseg
from browser import wait_until_idle
from kmseg import render
from kmseg.color import COLOR_SPACES, features
from kmseg.ui.assets import asset
from kmseg.ui.views import VIEWS

if TYPE_CHECKING:
    from playwright.sync_api import Page

OpenPage = Callable[..., "Page"]

READ_PICTURE = """async picture => {
  let canvas = picture
  if (picture.localName === "img") {
    await picture.decode()
    canvas = document.createElement("canvas")
    canvas.width = picture.naturalWidth
    canvas.height = picture.naturalHeight
    canvas.getContext("2d").drawImage(picture, 0, 0)
  }
  const context = canvas.getContext("2d")
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
  let text = ""
  for (let i = 0; i < data.length; i += 32768) {
    text += String.fromCharCode(...data.subarray(i, i + 32768))
  }
  return [canvas.width, canvas.height, btoa(text)]
}"""

CAMERA_IS_LIT = """() => {
  const video = document.querySelector("video")
  if (!video || !video.videoWidth) return false
  const context = document.createElement("canvas").getContext("2d")
  context.drawImage(video, 0, 0)
  const { data } = context.getImageData(0, 0, 100, 100)
  return data.some((level, i) => i % 4 < 3 && level !== data[i % 4])
}"""


PICTURES = {
    "original": ".left img.original:not(.region)",
    "segmentation": "canvas.segmentation:not(.region)",
    "veil": ".right canvas.veil:not(.region)",
    "region": "canvas.segmentation.region",
}


def shown_pixels(page: Page, name: str) -> np.ndarray:
    """RGBA pixels of one of the viewer's pictures as the browser has them."""
    import base64

    painted(page)
    width, height, data = page.locator(PICTURES[name]).evaluate(READ_PICTURE)
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)


def settle(page: Page) -> None:
    wait_until_idle(page)
    page.wait_for_timeout(300)
    wait_until_idle(page)


def painted(page: Page) -> None:
    """Wait until the viewer shows what it was last sent."""
    asked = page.locator(".viewer")
    for _ in range(200):
        if asked.evaluate("({ dataset }) => dataset.shown && dataset.shown === dataset.asked"):
            return
        page.wait_for_timeout(50)
    pytest.fail("The viewer did not paint what it was sent.")


def choose(page: Page, label: str) -> None:
    """Click one of several choices that lie side by side."""
    page.get_by_role("radio", name=label, exact=True).click()
    settle(page)


def pick(page: Page, label: str, option: str) -> None:
    """Choose from a list, which closes by itself when its field is scrolled or drawn anew."""
    from playwright.sync_api import TimeoutError as Late

    field = page.get_by_label(label, exact=True).first
    wanted = page.get_by_role("option", name=option, exact=True)
    for left in reversed(range(10)):
        field.click()
        try:
            wanted.click(timeout=3000)
            break
        except Late:
            if not left:
                raise


def select(page: Page, label: str, option: str) -> None:
    pick(page, label, option)
    settle(page)


def slide(page: Page, label: str, steps: int) -> None:
    slider = page.get_by_role("slider", name=label)
    slider.focus()
    for _ in range(abs(steps)):
        slider.press("ArrowRight" if steps > 0 else "ArrowLeft")
    settle(page)


def enter(page: Page, label: str, value: object) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")
    settle(page)


def download(page: Page, button: str) -> tuple[str, bytes]:
    """Name and content of what a button of the view "Take away" gives."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def counts(page: Page) -> list[dict[str, str]]:
    """Rows of the table of counts, from the page's own download."""
    if page.get_by_role("button", name="Counts, CSV").count() == 0:
        choose(page, "Take away")
    _, content = download(page, "Counts, CSV")
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera's picture: 10.7 megapixels, each with noise of its own, as JPEG."""
    china = kmseg.sample_image("china").pixels
    large = cv2.resize(china, (4000, 2669), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    large += np.random.default_rng(0).integers(-4, 5, large.shape, np.int16)
    path = tmp_path_factory.mktemp("photo") / "from my camera.jpg"
    Pillow.fromarray(np.clip(large, 0, 255).astype(np.uint8)).save(path, quality=92)
    return path


def upload(page: Page, path: Path) -> None:
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_text("10.7 MP").wait_for(timeout=60_000)
    settle(page)


def test_both_pictures_are_exact_and_equal_in_size(open_page: OpenPage) -> None:
    page = open_page("?picture=plate-5&color_space=hsv&channels=01&n_clusters=3")
    image = kmseg.sample_image("plate-5")
    settings = kmseg.Settings(color_space="hsv", channels="01", n_clusters=3)
    seg = kmseg.segment(image, settings)
    np.testing.assert_array_equal(shown_pixels(page, "original")[..., :3], image.pixels)
    np.testing.assert_array_equal(
        shown_pixels(page, "segmentation")[..., :3], render.painted(seg.labels, seg.palette)
    )
    boxes = [page.locator(f".{side} .pane").bounding_box() for side in ("left", "right")]
    assert boxes[0] and boxes[1]
    for side in ("y", "width", "height"):
        assert boxes[0][side] == boxes[1][side]
    assert boxes[0]["width"] == pytest.approx(boxes[0]["height"], abs=1)
    choose(page, "Gray ranks")
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
    assert width == 1200
    np.testing.assert_array_equal(shown, seg.palette[seg.labels[rows][:, columns]])


def test_every_control_then_the_copied_link_in_a_new_profile(
    open_page: OpenPage, page_server: Any
) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    select(page, "Picture", "Dahlia")
    select(page, "Colour space", "YCrCb")
    page.get_by_role("button", name="Cr", exact=True).click()
    settle(page)
    slide(page, "K, number of clusters", 3)
    choose(page, "Random")
    slide(page, "Attempts", -2)
    page.get_by_text("Advanced", exact=True).click()
    select(page, "Stop at", "Number of iterations")
    enter(page, "Iterations at most", 12)
    enter(page, "Seed", 5)
    enter(page, "Width in pixels", 300)
    choose(page, "Gray ranks")
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
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Link copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(page_server.url)
    query = parse_qs(urlsplit(link).query, keep_blank_values=True)
    expected = settings.to_query() | {"picture": "flower", "paint": "gray", "view": "take-away"}
    assert {name: query[name][0] for name in expected} == expected
    other = open_page("?" + urlsplit(link).query)
    assert counts(other) == before
    assert other.get_by_role("alert").count() == 0


def test_back_undoes_and_forward_redoes(open_page: OpenPage) -> None:
    page = open_page()
    slide(page, "K, number of clusters", 1)
    assert "n_clusters=5" in page.url
    select(page, "Colour space", "Oklab")
    assert "color_space=oklab" in page.url
    page.go_back()
    settle(page)
    assert "color_space=bgr" in page.url
    page.get_by_text("5 clusters").wait_for()
    page.go_back()
    settle(page)
    page.get_by_text("4 clusters").wait_for()
    page.go_forward()
    settle(page)
    page.get_by_text("5 clusters").wait_for()


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
    page = open_page("?picture=plate-8&color_space=lab&channels=12&n_clusters=3&view=take-away")
    settings = kmseg.Settings(color_space="lab", channels="12", n_clusters=3)
    seg = kmseg.segment(kmseg.sample_image("plate-8"), settings)
    name, content = download(page, "Everything, ZIP")
    assert name.endswith("_lab_c12_k3_s0.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        files = {entry: archive.read(entry) for entry in archive.namelist()}
    for entry in files:
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,80}", entry)
    assert kmseg.Settings.from_dict(json.loads(files["settings.json"])["settings"]) == settings
    for button, ending in (
        ("Segmented picture", "_segmented.png"),
        ("Labels, pixel value = cluster", "_labels.png"),
        ("Side by side, gray ranks", "_side-by-side.png"),
    ):
        name, content = download(page, button)
        assert name.endswith(ending)
        assert files[name] == content
        picture = np.asarray(Pillow.open(io.BytesIO(content)))
        if ending == "_labels.png":
            np.testing.assert_array_equal(picture, seg.labels)
        elif ending == "_segmented.png":
            np.testing.assert_array_equal(picture, seg.palette[seg.labels])
        else:
            np.testing.assert_array_equal(picture, render.side_by_side(seg))
    assert json.loads(download(page, "Palette, JSON")[1])[0]["pixels"] == seg.pixel_counts[0]


def camera(page: Page) -> dict[str, Any]:
    state: dict[str, Any] = page.evaluate(
        "document.querySelector('.kmseg-cloud-plot')._fullLayout.scene._scene.getCamera()"
    )
    return state


def test_the_clouds_camera_stays_when_k_changes(open_page: OpenPage) -> None:
    page = open_page("?view=cloud", height=1500)
    page.locator(".kmseg-cloud-plot canvas").first.wait_for(timeout=60_000)
    page.wait_for_timeout(2000)
    home = camera(page)
    plot = page.locator(".kmseg-cloud-plot")
    plot.focus()
    for _ in range(4):
        plot.press("ArrowRight")
    page.wait_for_timeout(800)
    turned = camera(page)
    assert turned["eye"]["x"] != pytest.approx(home["eye"]["x"], abs=0.05)
    node = plot.element_handle()
    slide(page, "K, number of clusters", 2)
    choose(page, "Cluster")
    page.wait_for_timeout(1500)
    for axis in "xyz":
        assert camera(page)["eye"][axis] == pytest.approx(turned["eye"][axis], abs=1e-3)
    assert node and node.evaluate("node => node.isConnected")
    label = plot.get_attribute("aria-label") or ""
    assert "6 numbered" in label


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_sideways_scrolling(
    open_page: OpenPage, color_scheme: str
) -> None:
    page = open_page("?view=take-away", width=390, height=844, color_scheme=color_scheme)
    for view in VIEWS.values():
        choose(page, view)
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        main = page.locator("[data-testid=stMain]")
        assert main.evaluate("node => node.scrollWidth <= node.clientWidth")
    boxes = [page.locator(f".{side} .pane").bounding_box() for side in ("left", "right")]
    assert boxes[0] and boxes[1]
    assert boxes[1]["y"] > boxes[0]["y"] + boxes[0]["height"]  # one under the other
    background = page.locator("[data-testid=stApp]").evaluate(
        "node => getComputedStyle(node).backgroundColor"
    )
    levels = [int(level) for level in re.findall(r"\d+", background)[:3]]
    assert (max(levels) < 64) == (color_scheme == "dark")


def test_the_camera_takes_a_picture(open_page: OpenPage) -> None:
    page = open_page(permissions=["camera"])
    page.get_by_text("Take a photo").click()
    settle(page)
    page.wait_for_function(CAMERA_IS_LIT, timeout=20_000)  # its first frames may be black
    page.get_by_role("button", name="Take Photo").click(timeout=20_000)
    page.wait_for_url(re.compile("picture=upload-"))
    settle(page)
    assert np.ptp(shown_pixels(page, "original")[..., :3]) > 0  # the test picture, not a blank


# -- what is slow ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("view", "then"), [("clusters", "kmseg_table"), ("cloud", "kmseg_cloud")])
def test_the_new_segmentation_is_sent_first_then_counts_then_the_cloud(
    open_page: OpenPage, view: str, then: str
) -> None:
    page = open_page(f"?view={view}")
    frames: list[bytes] = []
    page.on(
        "websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame))
    )
    page.reload()
    settle(page)
    frames.clear()
    slide(page, "K, number of clusters", 1)
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
    [("opencv", "OpenCV, cv2.kmeans"), ("scikit-learn", "scikit-learn, KMeans")],
)
def test_long_work_shows_how_far_it_is_and_can_be_stopped(
    open_page: OpenPage, engine: str, title: str
) -> None:
    page = open_page("?picture=flower&n_clusters=32&attempts=100&width=240")
    page.get_by_text("Advanced", exact=True).click()
    bar = page.get_by_text(re.compile(rf"{title.partition(',')[0]}: attempt \d+ of 100"))
    stop = page.get_by_role("button", name="Stop and use the exact engine")

    pick(page, "Engine", title)
    stop.click(timeout=60_000)
    page.get_by_text("Exact, every pixel · best of 100 attempts").wait_for(timeout=60_000)
    settle(page)
    assert bar.count() == stop.count() == 0
    settings = kmseg.Settings(n_clusters=32, attempts=100, width=240)
    image = kmseg.sample_image("flower")
    expected = render_of(kmseg.segment(image, settings))
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], expected)

    pick(page, "Engine", title)  # the very work that was stopped
    bar.wait_for(timeout=60_000)
    page.get_by_role("slider", name="Attempts").press("Home")  # a changed control ends it as well
    page.wait_for_url(re.compile(f"attempts=1&.*engine={engine}"), timeout=60_000)
    settle(page)
    assert bar.count() == stop.count() == 0
    settings = kmseg.Settings(n_clusters=32, attempts=1, width=240, engine=engine)
    expected = render_of(kmseg.segment(image, settings))
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], expected)


def render_of(seg: kmseg.Segmentation) -> np.ndarray:
    return render.painted(seg.labels, seg.palette)


# -- what is in focus ------------------------------------------------------------------------------

PLATE = "picture=plate-5&color_space=hsv&channels=01&n_clusters=3"


def plate_segmentation() -> kmseg.Segmentation:
    settings = kmseg.Settings(color_space="hsv", channels="01", n_clusters=3)
    return kmseg.segment(kmseg.sample_image("plate-5"), settings)


# Clusters of the points that do not fade into the background.
CLOUD_LABELS = """({ data: [{ customdata, marker }], layout }) => customdata
  .filter((_, i) => marker.color[i] !== layout.paper_bgcolor).map(point => point[3])"""


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
    page.wait_for_timeout(200)
    assert pressed(page, ".swatches button") == list(clusters)
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
    page.locator(".kmseg-cloud-plot canvas").first.wait_for(timeout=60_000)
    page.wait_for_timeout(2000)
    plot = page.locator(".kmseg-cloud-plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    label = page.locator(".kmseg-cloud-plot .hovertext")
    for step in range(400):  # until the pointer is over a point
        page.mouse.move(
            box["x"] + box["width"] * (0.3 + 0.02 * (step % 20)),
            box["y"] + box["height"] * (0.3 + 0.02 * (step // 20)),
        )
        page.wait_for_timeout(30)
        if label.count() and (
            found := re.search(r"cluster (\d+)", label.first.text_content() or "")
        ):
            break
    else:
        pytest.fail("No point of the cloud was found.")
    page.mouse.down()
    page.mouse.up()
    cluster = int(found[1]) - 1
    assert_in_focus(page, seg, cluster)
    page.wait_for_timeout(1500)
    assert set(plot.evaluate(CLOUD_LABELS)) == {cluster}
    page.locator(".swatches button").nth((cluster + 1) % 3).click()
    page.wait_for_timeout(1500)
    both = sorted((cluster, (cluster + 1) % 3))
    assert_in_focus(page, seg, *both)
    assert set(plot.evaluate(CLOUD_LABELS)) == set(both)


def test_a_link_with_focus_and_merges_opens_the_same(open_page: OpenPage, page_server: Any) -> None:
    page = open_page(
        f"?{PLATE}&focus=2&paint=gray&layout=blend",
        permissions=["clipboard-read", "clipboard-write"],
    )
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
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Link copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    other = open_page("?" + urlsplit(link).query)
    settle(other)
    painted(other)
    assert query(other, "focus") == "2.3"
    assert other.get_by_role("radio", name="Blend").is_checked()
    assert other.get_by_role("radio", name="Gray ranks").is_checked()
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
    assert name == "Plate-orange-on-green_hsv_c01_k3_s0_mask001-003.png"
    mask = np.asarray(Pillow.open(io.BytesIO(content)))
    np.testing.assert_array_equal(mask, np.where(inside, 255, 0))
    settle(page)
    name, content = download(page, "Cut-out")
    assert name.endswith("_cutout001-003.png")
    cutout = np.asarray(Pillow.open(io.BytesIO(content)))
    np.testing.assert_array_equal(cutout[..., 3], np.where(inside, 255, 0))
    assert seg.image is not None
    np.testing.assert_array_equal(cutout[inside][:, :3], seg.image.pixels[inside])


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_what_recedes_never_hides_what_is_in_focus(open_page: OpenPage, color_scheme: str) -> None:
    page = open_page("?picture=flower&n_clusters=5", color_scheme=color_scheme)
    seg = kmseg.segment(kmseg.sample_image("flower"), kmseg.Settings(n_clusters=5))
    levels = seg.palette.mean(axis=1)
    for cluster in (int(levels.argmin()), int(levels.argmax())):
        page.locator(".swatches button").nth(cluster).click()
        veil = shown_pixels(page, "veil")[seg.labels != cluster][0]
        assert abs(float(veil[:3].mean()) - levels[cluster]) > 60
        assert veil[3] > 200
        page.get_by_role("button", name="Clear focus").click()


def test_another_k_has_nothing_in_focus_but_back_brings_it_again(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}&focus=3")
    settle(page)
    assert pressed(page, ".swatches button") == [2]
    slide(page, "K, number of clusters", 1)
    page.get_by_text("4 clusters").first.wait_for()
    assert pressed(page, ".swatches button") == []
    assert query(page, "focus") == ""
    page.go_back()
    settle(page)
    painted(page)
    assert_in_focus(page, plate_segmentation(), 2)


# -- the viewer ------------------------------------------------------------------------------------


def test_paint_layout_focus_and_zoom_send_nothing_to_the_server(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}")
    sent: list[bytes] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda f: sent.append(f)))
    page.reload()
    settle(page)
    painted(page)
    page.wait_for_timeout(1000)
    sent.clear()
    for name in ("Gray ranks", "Boundaries", "Cluster colours", "Swipe", "Blend", "Side by side"):
        page.get_by_role("radio", name=name).click()
    page.locator(".swatches button").first.click()
    page.get_by_role("row").nth(2).click()
    click_pixel(page, "right", 0.5, 0.5)
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Fit").click()
    page.wait_for_timeout(1500)
    assert sent == []


def test_boundaries_lie_between_clusters_over_the_original(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}&paint=boundaries")
    labels = plate_segmentation().labels
    between = np.zeros(labels.shape, bool)
    between[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    between[:-1] |= labels[:-1] != labels[1:]
    shown = shown_pixels(page, "segmentation")
    np.testing.assert_array_equal(shown[..., 3] > 0, between)


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
        width, height, data = element.evaluate(READ_PICTURE)
        import base64

        shown = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)[..., :3]
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
    slide(page, "K, number of clusters", 1)  # the same part, newly clustered
    painted(page)
    assert page.locator(PICTURES["region"]).is_visible()
    page.get_by_role("button", name="Fit").click()
    assert page.locator(".zoom output").inner_text() == "1 ×"


@pytest.mark.parametrize("space", COLOR_SPACES)
def test_the_pixel_under_the_pointer_is_told(open_page: OpenPage, space: str) -> None:
    page = open_page(f"?picture=plate-6&n_clusters=3&color_space={space}")
    settings = kmseg.Settings(color_space=space, n_clusters=3)
    seg = kmseg.segment(kmseg.sample_image("plate-6"), settings)
    painted(page)
    page.locator(".left img.original:not(.region)").evaluate("image => image.decode()")
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


def test_the_browser_knows_the_spaces_that_python_knows(open_page: OpenPage) -> None:
    page = open_page("?width=20")
    colors = np.random.default_rng(0).integers(0, 256, (300, 3), np.uint8)
    colors[:4] = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (255, 0, 0)]
    found = page.evaluate(
        "([source, colors]) => { const spaces = new Function(source + ';return SPACES')();"
        "return Object.fromEntries(Object.entries(spaces)"
        ".map(([key, convert]) => [key, colors.map(convert)])) }",
        [asset("spaces.js"), colors.tolist()],
    )
    assert set(found) == set(COLOR_SPACES)
    for key, space in COLOR_SPACES.items():
        tolerance = 0.01 if key in ("hsv-circular", "cielab", "oklab", "rgb", "bgr") else 1
        difference = np.abs(np.array(found[key]) - space.convert(colors))
        if key == "hsv":
            difference[:, 0] = np.minimum(difference[:, 0], 180 - difference[:, 0])
        assert difference.max() <= tolerance, key


# -- sheet and ladder ------------------------------------------------------------------------------


def test_a_tile_and_a_rung_are_adopted_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("?picture=plate-74&n_clusters=3&view=sheet", height=1400)
    tile = page.locator(".gallery").nth(6).get_by_role("button", name="a*, b*", exact=True)
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
    choose(page, "K ladder")
    rung = page.get_by_role("button", name=re.compile("^K = 7"))
    rung.press("Enter")
    page.wait_for_url(re.compile("n_clusters=7"))
    settle(page)
    page.get_by_text("7 clusters").first.wait_for()


# -- for everybody ---------------------------------------------------------------------------------


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_nothing_of_ours_keeps_anybody_out(open_page: OpenPage, color_scheme: str) -> None:
    """What axe-core calls serious, in the page's own components, in every view."""
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(f"?{PLATE}&focus=2&view=clusters", color_scheme=color_scheme, height=1400)
    troubles = []
    for title in VIEWS.values():
        choose(page, title)
        page.wait_for_timeout(800)
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] not in ("serious", "critical"):
                continue
            for node in violation["nodes"]:
                ours = any(isinstance(step, list) for step in node["target"])
                if ours or "kmseg" in str(node["target"]) + node["html"]:
                    troubles.append((title, violation["id"], node["target"], node["html"][:120]))
    assert troubles == []
