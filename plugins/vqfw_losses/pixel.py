"""Reconstruction losses that compare pixels; not perceptual, not adversarial."""

from __future__ import annotations

from keras import ops

from vqfw.kinds import Loss
from vqfw.kinds.tensors import Images, PerImage, Tensor


class MSE(Loss):
    """Mean squared error: the mean of ``(original - reconstruction) ** 2`` of each image.

    Takes two (batch, height, width, channels) and gives (batch,) float32, in [0, 1] for
    images in [0, 1]. Where the model is uncertain, the best answer is the mean: blur.
    """

    def __call__(self, original: Images, reconstruction: Images) -> PerImage:
        return ops.mean(
            ops.square(_difference(original, reconstruction)), axis=(1, 2, 3)
        )


class MAE(Loss):
    """Mean absolute error: the mean of ``|original - reconstruction|`` of each image.

    Takes two (batch, height, width, channels) and gives (batch,) float32, in [0, 1] for
    images in [0, 1]. Where the model is uncertain, the best answer is the median: sharper
    edges than with the squared error.
    """

    def __call__(self, original: Images, reconstruction: Images) -> PerImage:
        return ops.mean(ops.abs(_difference(original, reconstruction)), axis=(1, 2, 3))


def _difference(original: Images, reconstruction: Images) -> Tensor:
    # In float32 even where the network runs in 16 bits, in which small errors are lost.
    return ops.cast(reconstruction, "float32") - ops.cast(original, "float32")
