"""The contract of an augmentation: drawn on the host, applied inside the compiled step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vqfw.kinds.tensors import Images, Tensor

Params = Mapping[str, NDArray[Any]]
"""Drawn numbers by name; each array has one row an image."""


class Augmentation(ABC):
    """A random change of training images that leaves what is on them recognizable.

    Randomness and arithmetic are apart: the same drawn numbers can be applied again, on
    any backend, which is what makes a run repeatable and resumable.
    """

    vqfw_kind: ClassVar[str] = "augmentation"

    @abstractmethod
    def draw(self, rng: np.random.Generator, count: int) -> dict[str, NDArray[Any]]:
        """Draws the parameters for ``count`` images.

        Returns:
            At least one array; each has ``count`` rows, of float32 or int32.
        """

    @abstractmethod
    def apply(self, images: Images, params: Mapping[str, Tensor]) -> Images:
        """Changes images by drawn parameters, written in ``keras.ops``.

        Args:
            images: (batch, height, width, channels) float32 in [0, 1].
            params: what ``draw`` gave, as backend tensors.

        Returns:
            The same shape; the engine clips it to [0, 1].
        """
