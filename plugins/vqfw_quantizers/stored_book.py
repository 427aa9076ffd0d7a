"""A codebook as revival sees it, made of functions that read and write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vqfw.kinds import Book
from vqfw.kinds.tensors import Floats, Mask


@dataclass(frozen=True)
class StoredBook(Book):
    """Reads and writes a codebook by functions, with the shapes of ``Book``.

    Args:
        read: gives the codes.
        write: replaces the rows of a mask.
        recent: gives the latents of the last training steps.
        variables: trained, with one row a code.
    """

    read: Callable[[], Floats]
    write: Callable[[Floats, Mask], None]
    recent: Callable[[], Floats]
    variables: Sequence[Any] = ()

    @property
    def vectors(self) -> Floats:
        return self.read()

    def replace(self, vectors: Floats, mask: Mask) -> None:
        self.write(vectors, mask)

    @property
    def recent_latents(self) -> Floats:
        return self.recent()
