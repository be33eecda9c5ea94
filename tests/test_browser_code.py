"""The view "Code" in a real browser."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import kmseg
from visitor import OpenPage, choose, download, settle


def test_the_downloaded_program_runs_beside_its_picture(
    open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page("?picture=plate-74&color_space=hsv&channels=02&n_clusters=3&view=code")
    choose(page, "NumPy")
    settle(page)
    assert "code=numpy" in page.url
    name, content = download(page, "All with the picture (ZIP)")
    assert name == "plate-74_numpy.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-I", "plate-74_numpy.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("pixels #") == 3
    assert kmseg.read_image(tmp_path / "segmented.png").pixels.shape == (600, 600, 3)

    name, content = download(page, "Program (.py)")
    assert name == "plate-74_numpy.py"
    shown = page.locator("[data-testid=stCode]").inner_text()
    assert shown.split() == content.decode().split()
    name, content = download(page, "Notebook (.ipynb)")
    assert name == "plate-74_numpy.ipynb"
    assert json.loads(content)["nbformat"] == 4
