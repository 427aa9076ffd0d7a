"""Augmentations by neighbouring pixels: sharpness and Gaussian blur, in Pillow's meaning.

Both are sums of shifted images rather than convolutions: a convolution pads with black,
takes one kernel for the whole batch, and is rounded to ten bits on some accelerators.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from vqfw.kinds import Augmentation, Range, Share
from vqfw.kinds.tensors import Images, Tensor
from vqfw_augmentations.enhance import Enhancement

# Box filters in a row that stand for one Gaussian: what Pillow takes.
PASSES = 3


class Sharpness(Enhancement):
    """Makes each image softer or sharper; the outermost pixels stay as they are.

    Source: ``PIL.ImageEnhance.Sharpness`` with its filter ``SMOOTH``.

    Args:
        strength: how far the factor may be from 1; 0.5 draws it from 0.5 to 1.5.
    """

    def __init__(self, strength: Share = 0.5) -> None:
        super().__init__(strength)

    def without(self, images: Images) -> Images:
        """The images smoothed by ``(1 1 1; 1 5 1; 1 1 1) / 13``."""
        rows = images[:, :-2] + images[:, 1:-1] + images[:, 2:]
        square = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
        centre = images[:, 1:-1, 1:-1]
        change = (square + 4.0 * centre) / 13.0 - centre
        return images + ops.pad(change, ((0, 0), (1, 1), (1, 1), (0, 0)))


class GaussianBlur(Augmentation):
    """Blurs each image by a Gaussian of its own width; edge pixels are extended outwards.

    As in Pillow, three box filters in a row stand for the Gaussian; their variance is
    exactly the one asked for, however small it is.

    Source: ``PIL.ImageFilter.GaussianBlur``, after Gwosdek et al. 2011, "Theoretical
    foundations of Gaussian convolution by extended box filtering".

    Args:
        sigma: the largest standard deviation, in pixels of the training image; each
            image draws its own from 0 to this.
    """

    # The filters are unrolled into the compiled step: at 10 they have 126 taps in all.
    def __init__(
        self, sigma: Annotated[float, Range(minimum=0, maximum=10)] = 1.0
    ) -> None:
        self.sigma = sigma

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, NDArray[Any]]:
        return {"sigma": rng.uniform(0, self.sigma, count).astype("float32")}

    def apply(self, images: Images, params: Mapping[str, Tensor]) -> Images:
        box = box_kernels(params["sigma"], self.sigma)
        for _ in range(PASSES):
            images = filtered(images, box, axis=1)
        for _ in range(PASSES):
            images = filtered(images, box, axis=2)
        return images


def box_kernels(sigma: Tensor, largest: float) -> Tensor:
    """The box for each image which, applied three times, has a Gaussian's variance.

    A box of radius ``l + a`` has ones up to ``l`` pixels from its middle and ``a``, in
    [0, 1), one pixel further.

    Source: Gwosdek et al. 2011, eq. 14.

    Args:
        sigma: (batch,) standard deviations in pixels; 0 gives a single 1.
        largest: none of them is above it.

    Returns:
        (batch, taps) float32, taps odd; each row sums to 1.
    """
    variance = ops.square(sigma) / PASSES
    whole = ops.floor((ops.sqrt(12.0 * variance + 1.0) - 1.0) / 2.0)
    rest = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance)
    rest = rest / (6.0 * (variance - ops.square(whole + 1.0)))
    radius = (whole + rest)[:, None]
    reach = math.ceil((math.sqrt(12.0 * largest**2 / PASSES + 1.0) - 1.0) / 2.0)
    offsets = ops.abs(ops.arange(-reach, reach + 1, dtype="float32"))
    return ops.clip(radius + 1.0 - offsets, 0.0, 1.0) / (2.0 * radius + 1.0)


def filtered(images: Images, kernels: Tensor, axis: int) -> Images:
    """Applies one kernel an image along one axis, with edge pixels extended outwards.

    Args:
        images: (batch, height, width, channels).
        kernels: (batch, 2 * radius + 1).
        axis: 1 for columns, 2 for rows.
    """
    size, taps = images.shape[axis], kernels.shape[1]
    radius = taps // 2
    inside = np.clip(np.arange(-radius, size + radius), 0, size - 1)
    extended = ops.take(images, inside, axis=axis)
    total = ops.zeros_like(images)
    for tap in range(taps):
        window = (slice(None),) * axis + (slice(tap, tap + size),)
        total = total + kernels[:, tap, None, None, None] * extended[window]
    return total
