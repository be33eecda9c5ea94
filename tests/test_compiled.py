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
CALL = "import module; print(module.doubled(21), *module.doubled.stats.cache_hits.values())"
COMPILED, LOADED = "42", "42 1"
# So that the system has no folder for temporary files.
NO_TMP = "import tempfile; tempfile.tempdir = 'module.py/none'; "


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
    assert run(folder) == (COMPILED, [])
    (entry,) = entries(folder)
    assert entry.parent == folder / "__pycache__"
    assert run(folder) == (LOADED, [])
    assert not list((folder / "tmp").iterdir())


def test_a_package_in_a_read_only_folder_is_cached_in_a_private_temporary_folder(
    folder: Path,
) -> None:
    make_read_only(folder)
    result, (line,) = run(folder)
    assert result == COMPILED
    (entry,) = entries(folder)
    assert str(entry.parent) in line
    private = folder / "tmp" / f"kmseg-{os.getuid()}"
    assert private in entry.parents
    assert private.stat().st_mode & 0o777 == 0o700
    assert run(folder) == (LOADED, [])


@pytest.mark.parametrize(
    "kind",
    ["writable by others", "link"] + ["of another user"] * (os.getuid() == 0),  # root may make one
)
def test_a_temporary_folder_that_others_could_fill_is_not_used(folder: Path, kind: str) -> None:
    """Loading compiled code runs it."""
    make_read_only(folder)
    private = folder / "tmp" / f"kmseg-{os.getuid()}"
    if kind == "link":
        (folder / "elsewhere").mkdir(mode=0o700)
        private.symlink_to(folder / "elsewhere")
    else:
        run(folder)
        assert run(folder) == (LOADED, [])
        private.chmod(0o777) if kind == "writable by others" else os.chown(private, 12345, -1)
    before = entries(folder)
    result, (line,) = run(folder)
    assert result == COMPILED
    assert "every start compiles it again" in line
    assert entries(folder) == before


def test_without_any_place_for_a_cache_code_is_compiled_at_every_start(folder: Path) -> None:
    make_read_only(folder)
    home = {"HOME": str(folder / "module.py")}
    for code in (CALL, CALL + "; print(module.doubled(1.5))"):  # two signatures, one warning
        result, lines = run(folder, NO_TMP + code, **home)
        assert result.splitlines()[0] == COMPILED
        assert len(lines) == 1 and "NUMBA_CACHE_DIR" in lines[0]
    assert entries(folder) == []


def test_without_any_place_for_a_cache_a_picture_is_segmented(folder: Path) -> None:
    package = folder / "package"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "kmseg", package / "kmseg", ignore=ignored)
    make_read_only(package)
    code = NO_TMP + (
        "import kmseg, numpy as np; "
        "pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8); "
        "settings = kmseg.Settings(color_space='gray'); "  # half the functions to compile
        "print(kmseg.segment(kmseg.Image(pixels), settings).pixel_counts.sum())"
    )
    home = {"HOME": str(folder / "module.py"), "PYTHONPATH": str(package)}
    result, lines = run(folder, code, **home)
    assert result == "400"
    assert len(lines) == 1 and "NUMBA_CACHE_DIR" in lines[0]


def test_a_full_disk_leaves_compiled_code_uncached(folder: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
    result, (line,) = run(folder, limit + CALL)
    assert result == COMPILED
    assert "File too large" in line
    assert not list(folder.rglob("*.nbc*"))


def test_a_damaged_cache_entry_is_compiled_again(folder: Path) -> None:
    run(folder)
    (entry,) = entries(folder)
    for damage in ("empty", "truncated", "a bit", "foreign", "a folder"):
        content = entry.read_bytes()
        middle = len(content) // 2
        entry.unlink()
        if damage == "a folder":
            entry.mkdir()
        else:
            flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
            damaged = {"empty": b"", "truncated": content[:middle], "a bit": flipped}
            entry.write_bytes(damaged.get(damage, b"not from here" * 9))
        result, lines = run(folder)
        assert result == COMPILED, damage
        assert len(lines) == (damage == "a folder")  # which nothing can replace
        assert run(folder) == (LOADED, []), damage


def test_compiled_code_of_an_older_source_is_not_used_after_an_update(folder: Path) -> None:
    """Not even if only the source of an imported compiled function has changed."""
    user = "from module import doubled\nfrom kmseg.parallel.compiled import compiled\n"
    user += "@compiled()\ndef used(x):\n    return doubled(x) + 1\n"
    (folder / "user.py").write_text(user)
    code = "import user; print(user.used(10), *user.used.stats.cache_hits.values())"
    assert run(folder, code) == ("21", [])
    assert run(folder, code) == ("21 1", [])
    (folder / "module.py").write_text(SOURCE.replace("2 * x", "5 * x"))
    assert run(folder, code) == ("51", [])


def test_numbas_own_setting_of_the_cache_folder_is_respected(folder: Path) -> None:
    chosen = {"NUMBA_CACHE_DIR": str(folder / "chosen")}
    assert run(folder, **chosen) == (COMPILED, [])
    (entry,) = entries(folder)
    assert folder / "chosen" in entry.parents
    assert run(folder, **chosen) == (LOADED, [])
