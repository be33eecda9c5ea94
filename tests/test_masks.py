"""Masks: which pixels of a picture count by the bright pixels of another one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import kmseg
from inprocess import png
from kmseg.cli import main
from kmseg.output import code
from kmseg.picture.masks import PackedMask
from kmseg.picture.roi import digest_of, mask_of

IMAGE = kmseg.sample_image("flower").resized(60)
TRIANGLE = mask_of(((5, 5), (50, 10), (30, 35)), IMAGE.width, IMAGE.height)
LEFT = ((0, 0), (30, IMAGE.height))


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_packing_keeps_every_pixel(mask: np.ndarray) -> None:
    packed = PackedMask.of(mask)
    np.testing.assert_array_equal(packed.unpacked, mask)
    assert packed.digest == digest_of(mask)
    assert len(packed.bits) == -(-mask.size // 8)


@given(st.permutations(range(12)), st.sampled_from([(3, 4), (4, 3), (2, 6)]))
def test_other_masks_have_other_digests(order: list[int], shape: tuple[int, int]) -> None:
    mask = np.arange(12) < 5
    changed = mask[order].reshape(shape)
    same = shape == (3, 4) and np.array_equal(changed, mask.reshape(3, 4))
    assert (digest_of(changed) == digest_of(mask.reshape(3, 4))) == same


@pytest.mark.parametrize("levels", [(0, 255), (0, 1), (1, 2), (254, 255)])
def test_a_mask_of_labels_0_and_1_was_black(levels: tuple[int, int]) -> None:
    gray = np.where(TRIANGLE, np.uint8(levels[1]), np.uint8(levels[0]))
    np.testing.assert_array_equal(kmseg.read_mask(png(gray)), TRIANGLE)


def test_of_many_shades_half_of_white_and_more_counts() -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(kmseg.read_mask(png(gray)), gray >= 128)
    for level in (0, 127, 128, 255):
        plain = np.full((4, 4), level, np.uint8)
        assert kmseg.read_mask(png(plain)).all() == (level >= 128)


def test_what_is_transparent_in_a_mask_is_left_out() -> None:
    pixels = np.full((*TRIANGLE.shape, 4), 255, np.uint8)
    pixels[..., 3] = np.where(TRIANGLE, 255, 0)
    np.testing.assert_array_equal(kmseg.read_mask(png(pixels)), TRIANGLE)


def test_a_region_of_a_masked_picture_lost_the_mask_at_another_width() -> None:
    both = mask_of(LEFT, IMAGE.width, IMAGE.height) & TRIANGLE
    image = IMAGE.within(LEFT).masked(TRIANGLE)
    assert image.opaque is not None
    np.testing.assert_array_equal(image.opaque, both)
    small = image.resized(30)
    assert small.opaque is not None
    share = small.opaque.mean() / both.mean()
    assert share == pytest.approx(1, abs=0.1)
    assert not small.opaque[:, 15:].any()


def test_a_reading_names_the_mask_and_does_not_hold_it() -> None:
    reading = IMAGE.masked(TRIANGLE).reading
    assert reading.mask == digest_of(TRIANGLE)
    assert kmseg.Reading.from_dict(json.loads(json.dumps(reading.to_dict()))) == reading
    assert kmseg.Reading.from_query(reading.to_query()) == (reading, ())
    assert "mask" not in reading.whole.to_query()
    with pytest.raises(kmseg.ImageError, match=r"use masked\(\)"):
        kmseg.read_image(png(IMAGE.pixels), reading=reading)


@pytest.mark.parametrize("value", ["0", "g" * 16, "A" * 16, "0" * 17, 7, None])
def test_a_mask_that_is_no_digest_is_refused(value: object) -> None:
    with pytest.raises(kmseg.SettingsError, match=r"^mask: must be 16 hexadecimal digits"):
        kmseg.Reading(mask=value)  # type: ignore[arg-type]


def test_a_broken_mask_in_a_link_is_said() -> None:
    reading, corrections = kmseg.Reading.from_query({"mask": "<b>", "frame": "2"})
    assert reading == kmseg.Reading(frame=1)
    assert len(corrections) == 1
    assert corrections[0].startswith("mask: ")


def test_the_program_of_a_masked_picture_reads_the_mask_from_its_file(tmp_path: Path) -> None:
    settings = kmseg.Settings(n_clusters=2)
    seg = kmseg.segment(IMAGE.masked(TRIANGLE), settings)
    assert seg.origin is not None
    script = settings.to_script("kmseg", "picture.png", reading=seg.origin.reading)
    assert '.masked(kmseg.read_mask("MASK"))' in script
    (tmp_path / "picture.png").write_bytes(png(IMAGE.pixels))
    (tmp_path / "MASK").write_bytes(png(TRIANGLE.astype(np.uint8) * 255))
    (tmp_path / "program.py").write_text(script)
    ran = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(kmseg.__file__).parent.parent), "PATH": ""},
    )
    assert ran.returncode == 0, ran.stderr
    assert [int(line.split()[0]) for line in ran.stdout.splitlines()[:2]] == (
        seg.pixel_counts.tolist()
    )


def test_the_picture_beside_a_program_is_transparent_outside_the_mask() -> None:
    import io
    import zipfile

    content = code.archive(IMAGE.masked(TRIANGLE), kmseg.Settings(), "numpy", "flower.png")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".png"))
        image = kmseg.read_image(archive.read(name))
    assert image.opaque is not None
    np.testing.assert_array_equal(image.opaque, TRIANGLE)


def test_the_report_of_the_command_line_names_the_mask(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "picture.png").write_bytes(png(IMAGE.pixels))
    (tmp_path / "mask.png").write_bytes(png(TRIANGLE.astype(np.uint8)))
    command = ["-i", str(tmp_path / "picture.png"), "--mask", str(tmp_path / "mask.png")]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(found["pixel_counts"]) == TRIANGLE.sum()
    assert found["reading"]["mask"] == digest_of(TRIANGLE)
