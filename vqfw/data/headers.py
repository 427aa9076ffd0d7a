"""Number, size and colour of pictures, from some of their headers; none is decoded."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import numpy as np

from vqfw.data.decoding import read_header
from vqfw.errors import DataError
from vqfw.kinds.dataset import Dataset, Drawn, Record

_SAMPLES = 24


@dataclass(frozen=True)
class Glance:
    """Number, size and colour of pictures.

    Args:
        count: of all pictures.
        short_side: median of a sample, in pixels; 0 where none could be read.
        grey: whether the whole sample is grey.
    """

    count: int
    short_side: int
    grey: bool


def glance(dataset: Dataset) -> Glance:
    """Counts the pictures of a dataset, and reads the headers of a random sample.

    Raises:
        DataError: if the data is missing, empty or unusable.
    """
    rng = np.random.default_rng(0)
    count = 0
    samples: list[tuple[int, bool] | None] = []
    for record in dataset.records():
        # A reservoir: an archive is read once, from its beginning to its end.
        place = count if count < _SAMPLES else int(rng.integers(count + 1))
        count += 1
        if place < _SAMPLES:
            samples[place : place + 1] = [_header(record)]
    readable = [header for header in samples if header is not None]
    return Glance(
        count=count,
        short_side=int(statistics.median_low([side for side, _ in readable] or [0])),
        grey=bool(readable) and all(grey for _, grey in readable),
    )


def _header(record: Record | Drawn) -> tuple[int, bool] | None:
    """Short side and whether it is grey; None if the picture cannot be read."""
    if isinstance(record, Drawn):
        return min(record.pixels.shape[:2]), record.pixels.shape[2] == 1
    try:
        with record.open() as stream:
            size, grey = read_header(stream, record.id)
    except (OSError, DataError):
        return None
    return min(size), grey
