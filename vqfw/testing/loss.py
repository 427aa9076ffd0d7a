"""The checks of a reconstruction loss. A factory takes nothing and returns a fresh one."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from vqfw.assembly.untrained import REMEDY, untrained_paths
from vqfw.kinds import Loss
from vqfw.kinds.tensors import Floats, Tensor
from vqfw.testing.check import Factory, checks_in, require
from vqfw.testing.probe import gradients

SHAPE = (4, 16, 12, 3)


class Compared(keras.layers.Layer):
    """A loss as a layer: from reconstructions to one number an image."""

    def __init__(self, loss: Loss, original: Floats) -> None:
        super().__init__(dtype="float32")
        self.loss = loss
        self.original = original
        self.built = True

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """The loss of reconstructions of its originals."""
        return self.loss(ops.convert_to_tensor(self.original), images)


def the_loss_is_one_float32_an_image(factory: Factory) -> None:
    """A batch gives (batch,) float32, finite, from colour and grey images."""
    for channels in (3, 1):
        original, other = _images()[..., :channels], _images(1)[..., :channels]
        found = factory()(ops.convert_to_tensor(original), ops.convert_to_tensor(other))
        dtype = keras.backend.standardize_dtype(getattr(found, "dtype", type(found)))
        shape = tuple(getattr(found, "shape", ()))
        require(
            shape == (SHAPE[0],) and dtype == "float32",
            f"{SHAPE[0]} images of {channels} channels gave {dtype} of shape {shape}: "
            "average over all axes but the first, in float32",
        )
        require(
            np.isfinite(ops.convert_to_numpy(found)).all(), "the loss is not finite"
        )


def the_original_has_the_least_loss(factory: Factory) -> None:
    """No reconstruction has a lower loss than the original itself."""
    match = _value(factory(), _images(), _images())
    for name, other in (("another image", _images(1)), ("grey", _images() * 0 + 0.5)):
        found = _value(factory(), _images(), other)
        require(
            (found > match).all(),
            f"{name} costs {found.min():.4g} where the original itself costs "
            f"{match.max():.4g}: what is minimized must be smallest at a match; mind "
            "the sign",
        )


def the_loss_does_not_grow_with_the_image(factory: Factory) -> None:
    """An image tiled three by two times has about the loss of one copy."""
    small = _value(factory(), _images(), _images(1))
    tiles = (1, 3, 2, 1)
    large = _value(factory(), np.tile(_images(), tiles), np.tile(_images(1), tiles))
    # Filters see other neighbours at the seams, so the two need not be equal.
    require(
        (large < 2 * small).all() and (2 * large > small).all(),
        f"six copies side by side cost {large[0]:.4g}, one costs {small[0]:.4g}: take "
        "the mean over height, width and channels, not the sum",
    )


def the_loss_of_an_image_is_its_own(factory: Factory) -> None:
    """The loss of an image is the same alone and in a batch."""
    together = _value(factory(), _images(), _images(1))
    alone = [
        _value(factory(), _images()[at : at + 1], _images(1)[at : at + 1])[0]
        for at in range(SHAPE[0])
    ]
    require(
        np.allclose(together, alone, rtol=1e-4),
        f"in a batch the images cost {together.round(4).tolist()}, alone "
        f"{np.round(alone, 4).tolist()}: nothing may be averaged, normalized or sorted "
        "over the first axis",
    )


def bfloat16_images_are_computed_in_float32(factory: Factory) -> None:
    """The loss of bfloat16 images is computed in float32."""
    half = [ops.cast(ops.convert_to_tensor(_images(s)), "bfloat16") for s in (0, 1)]
    whole = [ops.cast(each, "float32") for each in half]
    expected = ops.convert_to_numpy(factory()(*whole))
    found = factory()(*half)
    dtype = keras.backend.standardize_dtype(found.dtype)
    gap = np.abs(ops.convert_to_numpy(ops.cast(found, "float32")) - expected).max()
    require(
        dtype == "float32" and gap <= 1e-4 * np.abs(expected).max(),
        f"from bfloat16 it gives {dtype}, {gap:.2g} away from what float32 gives: cast "
        "both images to float32 first",
    )


def the_gradient_is_finite_at_the_original_too(factory: Factory) -> None:
    """A compiled gradient is finite, also at the original, and elsewhere not 0."""
    for name, images in (("another image", _images(1)), ("a match", _images())):
        layer = Compared(factory(), _images())
        found, _ = gradients(layer, images, ops.mean, compiled=True)
        require(
            np.isfinite(found).all(),
            f"the gradient at {name} is not finite: add a small number under a root or "
            "a logarithm, and divide by nothing that may be 0",
        )
        require(
            name == "a match" or np.abs(found).max() > 0,
            "the gradient is 0 away from the match: do not round, compare or detach",
        )


def its_weights_are_frozen(factory: Factory) -> None:
    """No optimizer moves its weights, so none is trainable."""
    loss = factory()
    _value(loss, _images(), _images(1))
    found = untrained_paths(loss, Compared(loss, _images()).trainable_variables)
    require(
        not found,
        f"{', '.join(found[:3])} would never be trained: {REMEDY['loss']}",
    )


CHECKS = checks_in(globals())


def _images(seed: int = 0) -> Floats:
    return np.random.default_rng(seed).random(SHAPE, dtype="float32")


def _value(loss: Loss, original: Floats, other: Floats) -> Floats:
    pair = (ops.convert_to_tensor(original), ops.convert_to_tensor(other))
    return np.asarray(ops.convert_to_numpy(loss(*pair)), "float32").reshape(-1)
