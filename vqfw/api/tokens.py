"""Tokens of images as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqfw.errors import UsageError


@dataclass(frozen=True, eq=False)
class Tokens:
    """What images are written as: for each grid of the model, one array of code numbers.

        tokens = run.encode(images)
        grid = np.array(tokens)          # a copy: (n, *positions, num_codebooks) int32
        grid[0, :2] = grid[1, :2]        # the upper rows of another image
        pictures = run.decode(grid)

    ``len(tokens)`` is the number of images. Where there is one grid, ``tokens.shape`` and
    ``tokens[0]`` are those of its array; ``np.array(tokens)`` is the copy to edit, and
    ``np.array_equal(tokens, others)`` compares.

    Args:
        grids: (n, *positions, num_codebooks) int32 by the name of the grid; read-only.
        fingerprint: of the model that made them; another one refuses to decode them.
    """

    grids: Mapping[str, NDArray[np.int32]]
    fingerprint: str

    def __post_init__(self) -> None:
        views = {name: grid.view() for name, grid in self.grids.items()}
        for view in views.values():
            view.flags.writeable = False
        object.__setattr__(self, "grids", views)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, *positions, num_codebooks) of the one grid."""
        return np.asarray(self).shape

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(self)[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError("tokens are read-only: edit the copy np.array(tokens)")

    def __len__(self) -> int:
        return len(next(iter(self.grids.values())))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if len(self.grids) != 1:
            raise UsageError(
                f"there are {len(self.grids)} grids of tokens, and an array is one: take "
                f"one of tokens.grids: {', '.join(self.grids)}"
            )
        (grid,) = self.grids.values()
        return np.array(grid, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {grid.shape}" for name, grid in self.grids.items())
        return f"<Tokens of {len(self):,} images: {shapes}>"
