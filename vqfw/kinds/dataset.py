"""The contract of a dataset: where images, and the people on them, come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Split = Literal["train", "validation", "test"]
"""A part of a dataset: what is trained on, what is looked at meanwhile, what is scored."""


@dataclass(frozen=True)
class Record:
    """One image of a dataset, not decoded yet.

    Args:
        id: its name, unique in the dataset: a path with forward slashes.
        group: who or what is on it; a split keeps a group together. None leaves it to
            the engine, which takes a folder of the id (``data.group_level``), and folders
            called train, val and test as the official split.
        open: gives the encoded bytes. It may be called once, and only until the next
            record is asked for, so that an archive can be read as a stream.
        split: where an official list puts it; None leaves it to the engine.
    """

    id: str
    group: str | None
    open: Callable[[], BinaryIO]
    split: Split | None = None


@dataclass(frozen=True)
class Drawn:
    """One image that a dataset makes itself, so that there is nothing to decode.

    Args:
        id: its name, unique in the dataset.
        group: who is on it; None as for a ``Record``.
        pixels: (height, width, channels) uint8.
        split: where it belongs; None leaves it to the engine.
    """

    id: str
    group: str | None
    pixels: NDArray[np.uint8]
    split: Split | None = None


class Dataset(ABC):
    """Yields records; the engine decodes, crops, resizes and caches.

    Constructing one reads nothing. A file that a constructor option names is an absolute
    path by then.
    """

    vqfw_kind: ClassVar[str] = "dataset"

    credit: ClassVar[str] = ""
    """Whom to credit for the images; printed in reports."""

    @property
    @abstractmethod
    def channels(self) -> Literal[1, 3]:
        """1 for grey images, 3 for colour."""

    @abstractmethod
    def records(self) -> Iterator[Record | Drawn]:
        """All images, in any order.

        Raises:
            DataError: if the data is missing or unusable, with what to do about it.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """A string that changes when the images would; cheap next to decoding them.

        Raises:
            DataError: if the data is missing.
        """

    def notes(self) -> tuple[str, ...]:
        """What a person should know of this copy of the data, after ``records`` ended."""
        return ()
