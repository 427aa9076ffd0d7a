"""Augmentations that move pixels: flip, rotation, translation and zoom.

What lies outside the image is its nearest edge pixel, never black: a model trained on
black corners would learn to paint black corners.

Rotation, translation and zoom share one bilinear ``resample``. It is written with
``take``, because Keras' own ``affine_transform`` does not compile under XLA on TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from vqfw.kinds import Augmentation, Range, Share
from vqfw.kinds.tensors import Images, Tensor


class HorizontalFlip(Augmentation):
    """Mirrors images left to right, by the toss of a coin.

    Source: ``PIL.ImageOps.mirror``.

    Args:
        share: the share of the images that are mirrored.
    """

    def __init__(self, share: Share = 0.5) -> None:
        self.share = share

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, NDArray[Any]]:
        return {"flip": (rng.random(count) < self.share).astype("int32")}

    def apply(self, images: Images, params: Mapping[str, Tensor]) -> Images:
        flip = params["flip"][:, None, None, None] == 1
        return ops.where(flip, ops.flip(images, axis=2), images)


class Rotation(Augmentation):
    """Turns each image about its centre; corners are filled with the nearest edge pixel.

    Source: ``PIL.Image.rotate`` with bilinear resampling, which fills with black.

    Args:
        degrees: the largest angle; each image draws its own from ``-degrees`` to
            ``degrees``, and a positive one turns counter-clockwise.
    """

    def __init__(
        self, degrees: Annotated[float, Range(minimum=0, maximum=180)] = 5.0
    ) -> None:
        self.degrees = degrees

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, NDArray[Any]]:
        degrees = rng.uniform(-self.degrees, self.degrees, count)
        return {"degrees": degrees.astype("float32")}

    def apply(self, images: Images, params: Mapping[str, Tensor]) -> Images:
        angle = params["degrees"] * (np.pi / 180)
        cosine, sine = ops.cos(angle), ops.sin(angle)
        nothing = ops.zeros_like(angle)
        return resample(images, [cosine, -sine, nothing], [sine, cosine, nothing])


class Translation(Augmentation):
    """Shifts each image by whole pixels; the gap is filled with the nearest edge pixels.

    Whole pixels, because a shift by half a pixel is a blur, and the shifted image is what
    the model is asked to reconstruct.

    Source: ``PIL.ImageChops.offset``, but for what enters at the edges.

    Args:
        share: the largest shift along each axis, as a share of the image's size there;
            each image draws both from ``-share`` to ``share``.
    """

    def __init__(self, share: Share = 0.05) -> None:
        self.share = share

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, NDArray[Any]]:
        right, down = rng.uniform(-self.share, self.share, (2, count)).astype("float32")
        return {"right": right, "down": down}

    def apply(self, images: Images, params: Mapping[str, Tensor]) -> Images:
        height, width = images.shape[1:3]
        right = ops.round(params["right"] * width)
        down = ops.round(params["down"] * height)
        one, nothing = ops.ones_like(right), ops.zeros_like(right)
        return resample(images, [one, nothing, -right], [nothing, one, -down])


class Zoom(Augmentation):
    """Enlarges the middle of each image to the full size, bilinearly.

    Source: ``PIL.Image.resize`` with a centred ``box`` and bilinear resampling.

    Args:
        smallest: the smallest part of the side that is kept; each image draws its own
            from this to 1.
    """

    def __init__(
        self, smallest: Annotated[float, Range(above=0, maximum=1)] = 0.9
    ) -> None:
        self.smallest = smallest

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, NDArray[Any]]:
        return {"kept": rng.uniform(self.smallest, 1, count).astype("float32")}

    def apply(self, images: Images, params: Mapping[str, Tensor]) -> Images:
        kept, nothing = params["kept"], ops.zeros_like(params["kept"])
        return resample(images, [kept, nothing, nothing], [nothing, kept, nothing])


def resample(images: Images, x_from: list[Tensor], y_from: list[Tensor]) -> Images:
    """Reads each pixel of the result from a place in its image, bilinearly.

    Pixel ``(x, y)``, counted in pixels from the centre of the image to the right and
    down, is read from ``x_from[0] * x + x_from[1] * y + x_from[2]``, likewise for y. A
    place outside the image reads the nearest edge pixel.

    Args:
        images: (batch, height, width, channels) float32.
        x_from: three times (batch,) float32.
        y_from: three times (batch,) float32.

    Returns:
        The same shape.
    """
    _, height, width, channels = images.shape
    x_middle, y_middle = (width - 1) / 2, (height - 1) / 2
    x = (ops.arange(width, dtype="float32") - x_middle)[None, None, :]
    y = (ops.arange(height, dtype="float32") - y_middle)[None, :, None]
    ax, bx, cx = (value[:, None, None] for value in x_from)
    ay, by, cy = (value[:, None, None] for value in y_from)
    left, right, to_right = _neighbours(ax * x + bx * y + cx + x_middle, width)
    top, bottom, to_bottom = _neighbours(ay * x + by * y + cy + y_middle, height)

    count = ops.shape(images)[0]
    pixels = ops.reshape(images, (-1, channels))
    first = ops.arange(count, dtype="int32")[:, None, None] * (height * width)

    def row(down: Tensor) -> Tensor:
        start = first + down * width
        at_left = ops.take(pixels, start + left, axis=0)
        at_right = ops.take(pixels, start + right, axis=0)
        return at_left + to_right * (at_right - at_left)

    above = row(top)
    return above + to_bottom * (row(bottom) - above)


def _neighbours(place: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """The pixels before and after a place on one axis, and how near it is to the latter."""
    place = ops.clip(place, 0.0, size - 1.0)
    before = ops.floor(place)
    share = (place - before)[..., None]
    before = ops.cast(before, "int32")
    return before, ops.minimum(before + 1, size - 1), share
