"""Two visitors with pictures of their own, who compare, carry over and share at the same time."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import numpy as np
import PIL.Image as Pillow
import pytest

import kmseg
from conftest import PageServer, served_page
from inprocess import png
from protocol import Visitor, visit

KS = (3, 4, 5, 6)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    with served_page(tmp_path_factory.mktemp("visitors")) as served:
        yield served


@dataclass
class Person:
    """A visitor whose pictures have values in one channel alone."""

    channel: int
    pictures: list[np.ndarray] = field(init=False)
    link: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.channel)
        self.pictures = [np.zeros((37, 53, 3), np.uint8) for _ in range(2)]
        for pixels in self.pictures:
            pixels[..., self.channel] = random.integers(40, 256, pixels.shape[:2])

    async def check_panes(self, page: Visitor, expected: list[kmseg.Segmentation]) -> None:
        """The pictures beside each other are this visitor's, with the shares of their clusters."""
        panes: list[dict[str, Any]] = json.loads(page.json["kmseg_compare"])["panes"]
        assert len(panes) == len(expected)
        for pane, seg in zip(panes, expected, strict=True):
            assert pane["shares"] == seg.shares.tolist()
            image = Pillow.open(io.BytesIO(await page.fetch(pane["image"]))).convert("RGB")
            others = [each for each in range(3) if each != self.channel]
            assert not np.asarray(image)[..., others].any()
            np.testing.assert_array_equal(np.asarray(image), seg.palette[seg.labels])

    async def visit(self, url: str, both: asyncio.Barrier) -> None:
        """Compare, carry over and share; then open the other visitor's link."""
        images = [kmseg.Image(pixels) for pixels in self.pictures]
        async with Visitor(url, "v=1&n_clusters=3&color_space=rgb&view=pins") as page:
            for number, pixels in enumerate(self.pictures):
                await page.upload(f"secret-{self.channel}-{number}.png", png(pixels))
            expected = []
            for k in KS:
                await both.wait()
                if k > KS[0]:
                    await page.change(k)
                await page.press("Pin")
                settings = kmseg.Settings(color_space="rgb", n_clusters=k)
                expected.append(kmseg.segment(images[1], settings))
                await self.check_panes(page, expected)
            self.link = json.loads(page.json["kmseg_share"])["query"]
            for by in ("all", "this"):
                await both.wait()
                await page.go(urlencode(self.link | {"view": "pictures", "pictures_by": by}))
                book = expected[-1].codebook
                if by == "all":
                    pooled = kmseg.pooled(kmseg.color_histogram(image) for image in images)
                    book = kmseg.segment(pooled, expected[-1].settings).codebook
                await self.check_panes(page, [book.predict(image) for image in reversed(images)])
            await both.wait()


@pytest.fixture(scope="module")
def people(server: PageServer) -> tuple[Person, Person]:
    first, second = Person(0), Person(2)

    async def story() -> None:
        both = asyncio.Barrier(2)
        async with asyncio.TaskGroup() as tasks:
            for person in (first, second):
                tasks.create_task(person.visit(server.url, both))

    visit(story())
    return first, second


def test_each_visitor_sees_own_pictures_alone(people: tuple[Person, Person]) -> None:
    first, second = (person.link["picture"] for person in people)
    assert first.startswith("upload-") and second.startswith("upload-") and first != second


def test_a_shared_link_shows_nothing_of_the_others_pictures(
    server: PageServer, people: tuple[Person, Person]
) -> None:
    async def story() -> None:
        for person, other in (people, people[::-1]):
            async with Visitor(server.url, urlencode(person.link)) as page:
                await page.upload("mine.png", png(other.pictures[0]))
                panes = json.loads(page.json["kmseg_compare"])["panes"]
                assert len(panes) == len(KS)
                assert not any(pane["image"] or pane["shares"] for pane in panes)
                document = (await page.fetch("/?" + urlencode(person.link))).decode()
                assert "secret" not in document

    visit(story())
