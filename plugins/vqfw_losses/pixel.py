"""Reconstruction losses that compare pixel with pixel; no perceptual or adversarial ones."""

from __future__ import annotations

from keras import ops

from vqfw.kinds import Loss
from vqfw.kinds.tensors import Images, PerImage, Tensor


class MSE(Loss):
    """Mean squared error: the mean of ``(original - reconstruction) ** 2`` of each image.

    Takes two (batch, height, width, channels) and gives (batch,) float32, in [0, 1] for
    images in [0, 1]. It favours the mean where the model is unsure, and so blur.
    """

    def __call__(self, original: Images, reconstruction: Images) -> PerImage:
        return ops.mean(
            ops.square(_difference(original, reconstruction)), axis=(1, 2, 3)
        )


class MAE(Loss):
    """Mean absolute error: the mean of ``|original - reconstruction|`` of each image.

    Takes two (batch, height, width, channels) and gives (batch,) float32, in [0, 1] for
    images in [0, 1]. It favours the median where the model is unsure: sharper edges than
    the squared error.
    """

    def __call__(self, original: Images, reconstruction: Images) -> PerImage:
        return ops.mean(ops.abs(_difference(original, reconstruction)), axis=(1, 2, 3))


def _difference(original: Images, reconstruction: Images) -> Tensor:
    # In float32 even where a network runs in 16 bits: their squares would lose what the
    # last epochs are about.
    return ops.cast(reconstruction, "float32") - ops.cast(original, "float32")
