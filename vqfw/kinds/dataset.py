"""The contract of a dataset: images, with the group of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Split = Literal["train", "validation", "test"]
"""A part of a dataset: for training, for validation meanwhile, for the final scores."""


@dataclass(frozen=True)
class Record:
    """One image of a dataset, not decoded yet.

    Args:
        id: its name, unique in the dataset: a path with forward slashes.
        group: the person or thing on it; a split keeps a group together. With None the
            engine takes a folder of the id (``data.group_level``), and folders called
            train, val and test as the official split.
        open: gives the encoded bytes. It may be called once, before the next record is
            taken, so that an archive can be read as a stream.
        split: of an official list; with None the engine chooses it.
    """

    id: str
    group: str | None
    open: Callable[[], BinaryIO]
    split: Split | None = None


@dataclass(frozen=True)
class Drawn:
    """One image that a dataset generates, already decoded.

    Args:
        id: its name, unique in the dataset.
        group: as for a ``Record``.
        pixels: (height, width, channels) uint8.
        split: as for a ``Record``.
    """

    id: str
    group: str | None
    pixels: NDArray[np.uint8]
    split: Split | None = None


class Dataset(ABC):
    """Yields records; the engine decodes, crops, resizes and caches.

    The constructor reads nothing. A path among its options is absolute.
    """

    vqfw_kind: ClassVar[str] = "dataset"

    credit: ClassVar[str] = ""
    """The credit for the images, for your publications; vqfw does not print it."""

    @property
    @abstractmethod
    def channels(self) -> Literal[1, 3]:
        """1 for grey images, 3 for colour."""

    @abstractmethod
    def records(self) -> Iterator[Record | Drawn]:
        """All images, in any order.

        Raises:
            DataError: if the data is missing or unusable, with the repair.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """A string that changes when the images change; much faster than decoding them.

        Raises:
            DataError: if the data is missing.
        """

    def notes(self) -> tuple[str, ...]:
        """Remarks about this copy of the data, after ``records`` ended."""
        return ()
