"""Names of files are legal everywhere, and different content has different names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import kmseg
from kmseg.output import export, names
from kmseg.ui import offline
from oracles import image_at

# Settings with the longest part of a file name that there is.
LONGEST = kmseg.Settings(
    color_space="hsv-circular", n_clusters=255, seed=2**31 - 1, attempts=1, epsilon=0.123
)
ILLEGAL = '<>:"/\\|?*'
DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³"
}


@pytest.fixture(scope="module")
def seg() -> kmseg.Segmentation:
    return kmseg.segment(image_at("flower", 60), kmseg.Settings(n_clusters=5, attempts=2))


def suffixes() -> list[str]:
    many = [
        names.of_clusters(key, range(0, most, step))
        for key in export.CLUSTER_DOWNLOADS
        for most, step in ((1, 1), (255, 1), (255, 2))
    ]
    return [*(d.suffix for d in (*export.DOWNLOADS, offline.page(), export.ARCHIVE)), *many]


odd_names = st.text() | st.sampled_from(
    ["../../etc/passwd", "C:\\con.txt", ".", "..", "...png", "", "-rf.png", "a" * 500, "照片.jpg"]
)


@given(odd_names)
@example("\0\n\r.png")
@example("x" * 300 + ".tar.gz")
@example("字" * 300 + ".png")
@example("👩‍🚀" * 80)
@example("caf\udce9.png")  # a name of bytes that are not UTF-8
@example("NUL.backup.png")
@example("com¹ .x.png")
@example("\u202egnp.exe")
@example(" . x . ")
def test_every_file_name_is_legal_everywhere(picture: str) -> None:
    stem = names.stem(picture, LONGEST, 255, [(0, 1)])
    for name in (stem + suffix for suffix in suffixes()):
        assert 0 < len(name.encode()) <= 255
        assert not set(name) & set(ILLEGAL)
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name)
        assert not any("\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069" for c in name)
        assert not name.startswith((".", "-", " ")) and not name.endswith((".", " "))
        assert name.split(".")[0].rstrip().upper() not in DEVICES
        assert unicodedata.is_normalized("NFC", name)


@pytest.mark.parametrize(
    ("picture", "kept"),
    [
        ("Фото.png", "Фото"),
        ("照片.jpg", "照片"),
        ("صورة.webp", "صورة"),
        ("my photo (2).jpg", "my photo (2)"),
        ("Holiday 2024.final.JPG", "Holiday 2024.final"),
        ("plain", "plain"),
        ("na\u0308ive.png", "n\u00e4ive"),
        ("👩‍🚀.png", "👩‍🚀"),
        ("CONcert.png", "CONcert"),
    ],
)
def test_letters_of_other_scripts_were_lost(picture: str, kept: str) -> None:
    assert names.stem(picture, kmseg.Settings(n_clusters=3), 3) == f"{kept}_bgr_call_k3_s0"


def test_names_that_become_the_same_when_cleaned_stay_different() -> None:
    pictures = ["a:b", "a?b", "a-b", ".a-b", "x" * 400, "x" * 401, "CON.a", "_CON.a", "::", "..."]
    assert len({names.safe(picture, 100) for picture in pictures}) == len(pictures)


def test_other_settings_and_other_merges_had_the_same_name(seg: kmseg.Segmentation) -> None:
    plain = seg.settings
    variants = [
        replace(seg, settings=settings)
        for settings in (
            plain,
            replace(plain, width=50),
            replace(plain, width=51),
            replace(plain, epsilon=0.5),
            replace(plain, engine="opencv"),
            replace(plain, init="random"),
        )
    ]
    merged = [seg.merged([pair]) for pair in [(0, 1), (0, 2), (3, 4)]]
    found = [export.file_name(s, "a.png", export.ARCHIVE) for s in (*variants, *merged)]
    assert len(set(found)) == len(found)


def test_masks_of_different_clusters_had_the_same_name() -> None:
    lists = [tuple(range(n)) for n in range(1, 256)]
    lists += [(0, 1, 2, 4), (0, 1, 4, 5), (*range(99), 100), tuple(range(1, 101))]
    for key in export.CLUSTER_DOWNLOADS:
        found = [names.of_clusters(key, clusters) for clusters in lists]
        assert len(set(found)) == len(found)
        assert not any("etc" in name for name in found)
    assert names.of_clusters("mask", [0, 1, 4, 5]) == "_mask001_002_005_006.png"


def numbers_in(name: str) -> set[int]:
    """The clusters that the name of a mask or cut-out lists, from 1."""
    listed = re.fullmatch(r"_(?:mask|cutout)([0-9_-]+)\.png", name)
    assert listed, name
    found: set[int] = set()
    for part in listed[1].split("_"):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


@given(st.sets(st.integers(0, 31), min_size=1))
@example({n for n in range(32) if n % 3 != 2})  # the longest name
@example(set(range(32)))
def test_a_mask_of_many_clusters_did_not_say_which(clusters: set[int]) -> None:
    for key in export.CLUSTER_DOWNLOADS:
        name = names.of_clusters(key, clusters)
        assert numbers_in(name) == {cluster + 1 for cluster in clusters}
        assert len(name) <= names.MAX_SUFFIX_BYTES


def test_a_merged_cluster_and_its_members_in_focus_are_one_mask_of_one_name(
    seg: kmseg.Segmentation,
) -> None:
    merged = seg.merged([(0, 3), (1, 2)])
    of_merger = export.mask(merged, merged.members.index((0, 3)))
    assert of_merger.suffix == export.mask(seg, 0, 3).suffix == "_mask001_004.png"
