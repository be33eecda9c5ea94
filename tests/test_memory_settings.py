"""The operator's settings: read once from the environment."""

from __future__ import annotations

import pytest

from kmseg.config import MEGABYTE, Config
from kmseg.errors import KmsegError
from kmseg.ui.server import configuration

DEFAULT = Config()


@pytest.mark.parametrize(
    ("text", "n_bytes"), [("1", MEGABYTE), (" 500 ", 500 * MEGABYTE), ("", 640 * MEGABYTE)]
)
def test_memory_is_set_in_megabytes(text: str, n_bytes: int) -> None:
    assert Config.from_environment({"KMSEG_CACHE_MB": text}).result_cache_bytes == n_bytes


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1e3", "abc", "²", "9" * 5000, "1000001"])
def test_a_wrong_memory_setting_is_named_with_its_range(text: str) -> None:
    with pytest.raises(KmsegError, match=r"KMSEG_CACHE_MB must be .* from 1 to 1,000,000") as error:
        Config.from_environment({"KMSEG_CACHE_MB": text})
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "901", "many"])
def test_a_wrong_limit_of_pictures_is_named_with_its_range(text: str) -> None:
    with pytest.raises(KmsegError, match=r"KMSEG_MAX_MEGAPIXELS must be .* up to 900"):
        Config.from_environment({"KMSEG_MAX_MEGAPIXELS": text})


def test_each_variable_sets_its_own_value() -> None:
    config = Config.from_environment(
        {
            "KMSEG_MAX_MEGAPIXELS": "0.5",
            "KMSEG_SESSION_UPLOADS_MB": "1",
            "KMSEG_ALL_UPLOADS_MB": "2",
            "KMSEG_PIXELS_MB": "3",
            "KMSEG_CACHE_MB": "4",
        }
    )
    assert config.limits.max_pixels == 500_000
    assert config.limits.max_decoded_bytes == 4_000_000
    assert [
        config.session_upload_bytes,
        config.all_upload_bytes,
        config.pixel_cache_bytes,
        config.result_cache_bytes,
    ] == [MEGABYTE, 2 * MEGABYTE, 3 * MEGABYTE, 4 * MEGABYTE]
    assert Config.from_environment({}) == DEFAULT


def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    config = configuration.current()
    monkeypatch.setenv("KMSEG_CACHE_MB", "nonsense")
    assert configuration.current() is config
