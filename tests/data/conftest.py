"""A small dataset that counts how often its pictures are opened."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, ClassVar, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vqfw.kinds.dataset import Dataset, Record, Split


def encoded(pixels: NDArray[np.uint8], form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


class Made(Dataset):
    """Pictures given as bytes: rows of (id, group, content, split)."""

    credit: ClassVar[str] = "Nobody"

    def __init__(
        self, rows: Sequence[tuple[str, str, bytes, Split | None]], name: str = "made"
    ) -> None:
        self.rows = list(rows)
        self.name = name
        self.opened: list[str] = []

    @property
    def channels(self) -> Literal[1, 3]:
        return 3

    def records(self) -> Iterator[Record]:
        for record_id, group, content, split in self.rows:
            yield Record(
                record_id, group, partial(self._open, record_id, content), split
            )

    def fingerprint(self) -> str:
        return self.name

    def notes(self) -> tuple[str, ...]:
        return ("made of bytes",) if self.opened else ()

    def _open(self, record_id: str, content: bytes) -> BinaryIO:
        self.opened.append(record_id)
        return io.BytesIO(content)


@pytest.fixture
def people() -> Callable[..., Made]:
    """Makes groups of pictures, 10 by 12 pixels, in an order that is not sorted."""

    def make(count: int, each: int, split: Split | None = None) -> Made:
        rng = np.random.default_rng(0)
        rows = []
        for number in reversed(range(count)):
            for picture in range(each):
                pixels = rng.integers(0, 256, (12, 10, 3), dtype=np.uint8)
                group = f"p{number:02d}"
                rows.append((f"{group}/{picture}.png", group, encoded(pixels), split))
        return Made(rows)

    return make


@pytest.fixture
def made() -> type[Made]:
    """The dataset, to be made of other rows."""
    return Made
