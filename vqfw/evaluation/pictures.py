"""Pictures of a run: pairs, grids, and the film of its training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from vqfw.kinds.tensors import Floats
from vqfw.runs.files import read_own, write_whole

Pixels = NDArray[np.uint8]

MOST_FRAMES = 60  # more would make the film slow to load
_GAP = 2


def to_pixels(images: Floats) -> Pixels:
    """[0, 1] floats to 0..255, clipped and rounded to the nearest."""
    pixels: Pixels = np.rint(np.clip(images, 0.0, 1.0) * 255.0).astype("uint8")
    return pixels


def spread(images: Pixels, count: int) -> Pixels:
    """Picks up to ``count`` images, evenly spaced in the list, to show many groups."""
    rows = np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int)
    return np.asarray(images[rows])


def save_pairs(folder: Path, originals: Pixels, reconstructions: Pixels) -> None:
    """Writes ``original_N.png`` and ``recon_N.png``, N from 1."""
    for earlier in folder.glob("*.png"):  # an earlier evaluation may have shown more
        if earlier.name.startswith(("original_", "recon_")):
            earlier.unlink()
    pairs = zip(originals, reconstructions, strict=True)
    for number, (original, reconstruction) in enumerate(pairs, start=1):
        save_picture(folder / f"original_{number}.png", original)
        save_picture(folder / f"recon_{number}.png", reconstruction)


def save_picture(path: Path, image: Pixels) -> None:
    """Writes (height, width, 1 or 3) as PNG."""
    plane = image[..., 0] if image.shape[-1] == 1 else image
    content = imageio.imwrite("<bytes>", plane, extension=".png")
    write_whole(path, content, durable=False)


def grid(rows: Sequence[Pixels]) -> Pixels:
    """Lays rows of equally many images under each other, with a white gap.

    Args:
        rows: each (count, height, width, channels).

    Returns:
        (height, width, channels).
    """
    count, height, width, channels = rows[0].shape
    high = len(rows) * (height + _GAP) + _GAP
    wide = count * (width + _GAP) + _GAP
    sheet = np.full((high, wide, channels), 255, dtype="uint8")
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            top, left = _GAP + i * (height + _GAP), _GAP + j * (width + _GAP)
            sheet[top : top + height, left : left + width] = image
    return sheet


def save_film(folder: Path, path: Path) -> None:
    """Joins ``grid_*.png`` of a run to an animated GIF that loops."""
    grids = [
        path for path in sorted(folder.glob("grid_*.png")) if not path.is_symlink()
    ]
    if not grids:
        return
    chosen = np.unique(np.linspace(0, len(grids) - 1, MOST_FRAMES).round().astype(int))
    frames = [imageio.imread(read_own(grids[i])) for i in chosen]
    alike = [frame for frame in frames if frame.shape == frames[-1].shape]
    film = imageio.imwrite(
        "<bytes>", np.stack(alike), extension=".gif", duration=120, loop=0
    )
    write_whole(path, film, durable=False)
