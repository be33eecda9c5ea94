"""The operator's settings of memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kmseg.ui.store.budget import budget

from kmseg.errors import KmsegError


@pytest.fixture(autouse=True)
def read_again() -> Iterator[None]:
    budget.cache_clear()
    yield
    budget.cache_clear()


@pytest.mark.parametrize(("text", "n_bytes"), [("1", 1e6), (" 500 ", 5e8), ("", 64e7)])
def test_a_budget_is_a_number_of_megabytes(
    text: str, n_bytes: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KMSEG_CACHE_MB", text)
    assert budget().made == n_bytes


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1e3", "abc", "²", "9" * 5000, "1000001"])
def test_a_budget_that_is_none_is_named_with_its_range(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KMSEG_CACHE_MB", text)
    with pytest.raises(KmsegError, match=r"KMSEG_CACHE_MB must be .* from 1 to 1,000,000") as error:
        budget()
    assert len(str(error.value)) < 200
