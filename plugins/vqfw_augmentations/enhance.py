"""The base of brightness, contrast, saturation and sharpness, as Pillow blends them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqfw.kinds import Augmentation
from vqfw.kinds.tensors import Images, Tensor


class Enhancement(Augmentation):
    """Blends each image with a version of itself that lacks one quality.

    A subclass makes that version. A factor of 0 gives it, 1 gives the image itself, and
    more than 1 strengthens the quality. Images are (batch, height, width, channels).

    Source: ``PIL.ImageEnhance``, https://pillow.readthedocs.io/en/stable/reference/ImageEnhance.html

    Args:
        strength: the factor is drawn evenly from ``1 - strength`` to ``1 + strength``.
    """

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, NDArray[Any]]:
        factor = rng.uniform(1 - self.strength, 1 + self.strength, count)
        return {"factor": factor.astype("float32")}

    def apply(self, images: Images, params: Mapping[str, Tensor]) -> Images:
        # Written as a change, so that a factor of 1 returns the very same numbers.
        more = params["factor"][:, None, None, None] - 1.0
        return images + more * (images - self.without(images))

    @abstractmethod
    def without(self, images: Images) -> Images:
        """The images without the quality; of a shape that broadcasts against theirs."""


def luma(images: Images) -> Tensor:
    """How light each pixel looks: (batch, height, width, 1), in [0, 1].

    Source: ITU-R BT.601, in the integers that Pillow uses for ``convert("L")``.
    """
    if images.shape[-1] == 1:
        return images
    red, green, blue = images[..., 0:1], images[..., 1:2], images[..., 2:3]
    return (19595 * red + 38470 * green + 7471 * blue) / 65536
