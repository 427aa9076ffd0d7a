"""Pictures to work on, and the files of the working folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def pictures(root: Path) -> Path:
    """A folder with three pictures of 20 by 24 pixels."""
    folder = root / "pictures"
    rng = np.random.default_rng(0)
    for name in ("anna/1.png", "anna/2.jpg", "ben/1.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (24, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture
def files(root: Path) -> Callable[[], dict[str, bytes]]:
    """Every file below the working directory, with its content."""

    def read() -> dict[str, bytes]:
        found = (path for path in root.rglob("*") if path.is_file())
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in found
            if path.name != "lock"
        }

    return read
