"""Files appear whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kmseg.output import files

ROOT = Path(__file__).resolve().parent.parent


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_never_replaces_another(tmp_path: Path) -> None:
    files.write(tmp_path / "a", b"first")
    with pytest.raises(FileExistsError):
        files.write(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first" and listed(tmp_path) == ["a"]


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    test_a_new_file_never_replaces_another(tmp_path)


def test_replacing_keeps_links_and_permissions(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"old")
    file.chmod(0o640)
    link.symlink_to("file")
    files.write(link, b"new", overwrite=True)
    assert link.is_symlink() and file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o640
    assert listed(tmp_path) == ["file", "link"]


def test_a_new_file_has_the_permissions_of_others(tmp_path: Path) -> None:
    files.write(tmp_path / "ours", b"")
    (tmp_path / "others").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "others").stat().st_mode


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_leaves_the_old_file_and_no_part_of_the_new_one(
    tmp_path: Path, overwrite: bool
) -> None:
    """The limit on the size of files stands for the disk."""
    code = (
        "import resource, signal, sys; from kmseg.output import files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"files.write(sys.argv[1], bytes(5000), overwrite={overwrite})"
    )
    target = tmp_path / "a"
    if overwrite:
        target.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", code, target], cwd=ROOT, capture_output=True, text=True
    )
    assert "File too large" in done.stderr
    assert listed(tmp_path) == (["a"] if overwrite else [])
    assert not overwrite or target.read_bytes() == b"old"


def test_ctrl_c_while_a_file_is_written_leaves_no_part_of_it(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, time; from pathlib import Path\n"
        "from kmseg.__main__ import _exit_on_ctrl_c; from kmseg.output import files\n"
        "_exit_on_ctrl_c()\n"
        "with files.writing(Path(sys.argv[1]) / 'a') as file:\n"
        "    print(file.write(b'half'), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (130, "4\n")
    assert listed(tmp_path) == []


def test_a_folder_is_checked_by_making_a_file_in_it(tmp_path: Path) -> None:
    files.check_folder(tmp_path)
    assert listed(tmp_path) == []
    for folder in (tmp_path / "missing", Path("/proc/self"), tmp_path / "file"):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(OSError):
            files.check_folder(folder)


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f".kmseg-{os.getpid()}-{number}.part").touch()
    files.write(tmp_path / "a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"
