"""Pictures and archives that the tests of the datasets are made of."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest


@pytest.fixture
def packed(tmp_path: Path) -> Callable[[Mapping[str, bytes], str], Path]:
    """Writes files as a folder, a zip, a tar or a compressed tar."""

    def pack(files: Mapping[str, bytes], form: str) -> Path:
        path = tmp_path / f"pictures.{form}"
        if form == "folder":
            for name, content in files.items():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                (path / name).write_bytes(content)
        elif form == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                for name, content in files.items():
                    archive.writestr(name, content)
        else:
            with tarfile.open(path, "w:gz" if form == "tgz" else "w") as tar:
                for name, content in files.items():
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
        return path

    return pack


@pytest.fixture(scope="session")
def real_lfw() -> Path:
    """The real archive, where VQFW_DATA has it."""
    named = os.environ.get("VQFW_DATA")
    if not named:
        pytest.skip("VQFW_DATA is not set: no LFW archive to test with")
    path = Path(named, "lfw-deepfunneled.tgz")
    if not path.is_file():
        pytest.skip(f"VQFW_DATA has no {path.name}")
    return path
