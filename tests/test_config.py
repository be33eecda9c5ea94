"""An operator's settings: read from the environment, and obeyed by the command line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import hostile
from kmseg.cli import main
from kmseg.config import Config
from kmseg.errors import ImageError, KmsegError
from kmseg.picture.limits import Limits

VARIABLE = "KMSEG_MAX_MEGAPIXELS"


@pytest.mark.parametrize("environment", [{}, {VARIABLE: " "}])
def test_limits_without_a_setting_are_the_defaults(environment: dict[str, str]) -> None:
    assert Config.from_environment(environment).limits == Limits()


def test_a_setting_changes_the_size_limits() -> None:
    limits = Config.from_environment({VARIABLE: " 90 "}).limits
    assert (limits.max_pixels, limits.max_decoded_bytes) == (90_000_000, 720_000_000)
    assert Config.from_environment({VARIABLE: "0.4"}).limits.max_pixels == 400_000


def test_a_longer_side_can_be_allowed_and_with_it_more_pixels() -> None:
    environment = {"KMSEG_MAX_SIDE": " 70000 ", VARIABLE: "4000"}
    limits = Config.from_environment(environment).limits
    assert (limits.max_side, limits.max_pixels) == (70_000, 4_000_000_000)
    limits.check_size(69_999, 50_000)
    assert Config.from_environment({"KMSEG_MAX_SIDE": "70000"}).limits == Limits(max_side=70_000)


@pytest.mark.parametrize("text", ["0", "-1", "1e5", "2000000", "wide"])
def test_a_wrong_side_is_refused(text: str) -> None:
    with pytest.raises(KmsegError, match="KMSEG_MAX_SIDE must be a whole number of pixels"):
        Config.from_environment({"KMSEG_MAX_SIDE": text})


@pytest.mark.parametrize("text", ["many", "0", "-1", "nan", "inf", "901", "1\n2"])
def test_a_wrong_limit_is_refused(text: str) -> None:
    with pytest.raises(KmsegError, match=f"{VARIABLE} must be a number") as caught:
        Config.from_environment({VARIABLE: text})
    assert not isinstance(caught.value, ImageError)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("", 0, ""),
        ("0.0002", 0, ""),
        ("0.0001", 2, "at most 0.0001 megapixels"),
        ("plenty", 2, "not 'plenty'"),
    ],
)
def test_the_command_line_obeys_the_size_limit(
    text: str,
    status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(hostile.ACCEPTED["png"])
    monkeypatch.setenv(VARIABLE, text)
    assert main(["-i", str(path), "--json"]) == status
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == (status == 2)


def test_a_raised_limit_on_files_made_reading_a_small_one_take_all_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(hostile.ACCEPTED["png"])
    monkeypatch.setenv("KMSEG_MAX_MEGABYTES", "1000000")
    assert main(["-i", str(path)]) == 0
    with path.open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        assert main(["-i", "-"]) == 0
    assert capsys.readouterr().err == ""


def test_megabytes_and_megapixels_have_one_setting_each() -> None:
    config = Config.from_environment({"KMSEG_MAX_MEGABYTES": "300", VARIABLE: "90"})
    assert (config.limits.max_bytes, config.limits.max_pixels) == (300 * 2**20, 90_000_000)
    # One file of the allowed size has room, unless the quota is set too.
    assert config.session_upload_bytes > 300 * 2**20
    config = Config.from_environment(
        {"KMSEG_MAX_MEGABYTES": "300", "KMSEG_SESSION_UPLOADS_MB": "9"}
    )
    assert config.session_upload_bytes == 9_000_000
    with pytest.raises(KmsegError, match="KMSEG_MAX_MEGABYTES must be a whole number"):
        Config.from_environment({"KMSEG_MAX_MEGABYTES": "0"})


def test_refusals_name_the_setting_that_raises_the_limit() -> None:
    with pytest.raises(ImageError, match=r"larger than 50 MB.*setting KMSEG_MAX_MEGABYTES"):
        Limits().check_file_size(51 * 2**20)
    with pytest.raises(ImageError, match=r"50 megapixels.*setting KMSEG_MAX_MEGAPIXELS"):
        Limits().check_size(9000, 9000)
    with pytest.raises(ImageError, match=r"30,000 pixels a side are read \(setting KMSEG_MAX_SIDE"):
        Limits(max_pixels=900_000_000).check_size(30_001, 10)


@pytest.mark.parametrize(
    "sites",
    ["", "'none'", "'self' https://lms.example.org", "https://*.example.org:* example.org https:"],
)
def test_sites_that_may_frame_the_page_are_passed_on(sites: str) -> None:
    config = Config.from_environment({"KMSEG_FRAME_ANCESTORS": f"  {sites} "})
    assert config.frame_ancestors == sites


@pytest.mark.parametrize(
    "sites", ["'none' 'self'", "https://a;script-src", "a,b", "'unsafe-inline'", "é.example", "*"]
)
def test_a_wrong_list_of_sites_is_refused(sites: str) -> None:
    with pytest.raises(KmsegError, match="KMSEG_FRAME_ANCESTORS must be 'none', or 'self' and"):
        Config.from_environment({"KMSEG_FRAME_ANCESTORS": sites})
