"""The contract of a reconstruction loss: a number per image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from vqfw.kinds.tensors import Images, PerImage


class Loss(ABC):
    """Compares reconstructions with their originals; the engine weights and averages."""

    vqfw_kind: ClassVar[str] = "loss"

    @abstractmethod
    def __call__(self, original: Images, reconstruction: Images) -> PerImage:
        """The loss of each reconstruction.

        Args:
            original: (batch, height, width, channels) float32 in [0, 1].
            reconstruction: the same shape, float32, meant for [0, 1].

        Returns:
            (batch,) float32; a mean over all elements of the image, so that it does not
            depend on the size.
        """
