"""Gaussian noise that is a function of one drawn seed an image and the place of a pixel.

The size of the images is not known where parameters are drawn, and a compiled step cannot
seed a generator with a tensor. So the seed and the pixel's index are hashed together. It
is made for pictures and has no place in cryptography.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from vqfw.kinds import Augmentation, Range
from vqfw.kinds.tensors import Images, Tensor


class GaussianNoise(Augmentation):
    """Adds independent Gaussian noise to every number of every image.

    The same seed gives the same noise on every backend, up to the last digits.

    Args:
        stddev: standard deviation of the noise, where 0 is black and 1 is white; 0.02 is
            about 5 of 255 grey levels.
    """

    def __init__(self, stddev: Annotated[float, Range(minimum=0)] = 0.02) -> None:
        self.stddev = stddev

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, NDArray[Any]]:
        return {"seed": rng.integers(-(2**31), 2**31, count, dtype="int32")}

    def apply(self, images: Images, params: Mapping[str, Tensor]) -> Images:
        return images + self.stddev * standard_normal(params["seed"], images.shape[1:])


def standard_normal(seeds: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Numbers with mean 0 and standard deviation 1.

    A uniform number of 24 bits goes through the inverse of the normal distribution
    function: half the hashing of Box and Muller's pairs, and no cosine.

    Args:
        seeds: (batch,) int32; the same seed gives the same numbers.
        shape: of the numbers of one image, without the batch.

    Returns:
        (batch, *shape) float32, between -5.3 and 5.3.
    """
    index = ops.reshape(ops.arange(math.prod(shape), dtype="int32"), (1, *shape))
    seeds = ops.reshape(seeds, (-1, *(1 for _ in shape)))
    # The index is hashed before the seed is added, or seeds that are near each other
    # would give the same noise a few pixels further on.
    hashed = hash32(hash32(index) + seeds)
    # The half keeps the uniform number inside (-1, 1), where the inverse is finite.
    signed = ops.cast(ops.right_shift(hashed, 8), "float32") + 0.5
    return math.sqrt(2.0) * ops.erfinv(signed / 2.0**23)


def hash32(numbers: Tensor) -> Tensor:
    """Scatters int32 numbers over all int32, each to another one.

    The arithmetic is that of unsigned numbers, done on signed ones that wrap around: they
    are the only integers of 32 bits which all three backends multiply.

    Source: C. Wellons 2018, ``lowbias32``, https://nullprogram.com/blog/2018/07/31/
    """
    numbers = ops.bitwise_xor(numbers, _shifted(numbers, 16)) * 0x7FEB352D
    numbers = ops.bitwise_xor(numbers, _shifted(numbers, 15)) * (0x846CA68B - 2**32)
    return ops.bitwise_xor(numbers, _shifted(numbers, 16))


def _shifted(numbers: Tensor, bits: int) -> Tensor:
    """Shifts right and fills with zeros; of a negative int32 ``>>`` would fill with ones."""
    return ops.bitwise_and(ops.right_shift(numbers, bits), 2 ** (32 - bits) - 1)
