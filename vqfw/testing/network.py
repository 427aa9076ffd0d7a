"""The checks of an encoder and of a decoder.

An encoder's factory takes nothing. A decoder's is called as the engine calls its class,
with ``image_shape=`` and ``downsampling=``, because its latents follow from them.
"""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np
from keras import ops

from vqfw.errors import Problem
from vqfw.kinds import Context, Decoder, Encoder
from vqfw.kinds.precision import policy
from vqfw.kinds.tensors import Floats
from vqfw.registry import parameters_of
from vqfw.testing.check import Check, Factory, require
from vqfw.testing.probe import require_own_names

IMAGE_CHANNELS = (1, 3, 5)
LATENT_CHANNELS = (1, 3, 8)
DOWNSAMPLINGS = (2, 4, 8)


def latents_have_the_stated_shape(factory: Factory) -> None:
    """Latents have the stated grid and channels, for images of 1, 3 and 5 channels."""
    for channels in IMAGE_CHANNELS:
        encoder: Encoder = factory()
        grid = (2, 3)
        found = _called(encoder, _images(encoder, grid, channels))
        expected = (2, *grid, encoder.channels)
        require(
            found.shape == expected,
            f"images of {channels} channels give latents of shape {found.shape} instead "
            f'of {expected}: "downsampling" and "channels" must say what call() does, '
            "with padding that keeps sizes whole",
        )
        require(np.isfinite(found).all(), "the latents are not finite")


def the_encoder_builds_all_its_variables(factory: Factory) -> None:
    """``build`` makes every variable, so that a checkpoint finds them before a call."""
    encoder: Encoder = factory()
    _builds_completely(encoder, _images(encoder, (1, 1), 3))


def the_encoder_refuses_sizes_that_do_not_fit(factory: Factory) -> str | None:
    """``check`` refuses a size that cannot be reduced, and names one that can."""
    encoder: Encoder = factory()
    step = encoder.downsampling
    if step == 1:
        return "its downsampling is 1"
    require(
        not _problems(encoder, 3 * step),
        f"check() refuses an image of {3 * step} pixels at downsampling {step}",
    )
    problems = [p for p in _problems(encoder, 3 * step + 1) if p.severity == "error"]
    require(
        problems,
        f"check() says nothing of an image of {3 * step + 1} pixels at downsampling "
        f"{step}: report it, or training fails at the decoder",
    )
    sizes = [int(size) for size in re.findall(r"\d+", problems[0].help)]
    require(
        any(size >= step and not _problems(encoder, size) for size in sizes),
        f'the repair "{problems[0].help}" holds no image size that fits: name the next '
        f"multiple of {step}",
    )
    return None


def the_decoder_gives_the_image_shape(factory: Factory) -> None:
    """Images have their full size, for every downsampling and number of channels."""
    for downsampling in DOWNSAMPLINGS:
        for given, wanted in zip(LATENT_CHANNELS, IMAGE_CHANNELS, strict=True):
            shape = (3 * downsampling, 2 * downsampling, wanted)
            decoder = factory(image_shape=shape, downsampling=downsampling)
            found = _called(decoder, _latents(given))
            require(
                found.shape == (2, *shape),
                f"latents {(3, 2, given)} at downsampling {downsampling} give images of "
                f"shape {found.shape[1:]} instead of {shape}",
            )
            require(np.isfinite(found).all(), "the images are not finite")


def the_decoder_ends_in_float32(factory: Factory) -> None:
    """Under a policy of 16 bits the last layer still computes in float32."""
    with policy("mixed_bfloat16"):
        decoder = _decoder(factory)
        decoder.build((None, 3, 2, 8))
        found = decoder(ops.convert_to_tensor(_latents(8)), training=False)
    dtype = keras.backend.standardize_dtype(found.dtype)
    values = ops.convert_to_numpy(ops.cast(found, "float32"))
    through = ops.convert_to_numpy(ops.cast(ops.cast(values, "bfloat16"), "float32"))
    require(
        dtype == "float32" and not np.array_equal(values, through),
        f"under mixed_bfloat16 the images are {dtype} with 8 bits of precision: give the "
        'last layer dtype="float32", or reduced precision shows as banding',
    )


def the_decoder_builds_all_its_variables(factory: Factory) -> None:
    """``build`` makes every variable, so that a checkpoint finds them before a call."""
    _builds_completely(_decoder(factory), _latents(8))


ENCODER_CHECKS: tuple[Check, ...] = (
    latents_have_the_stated_shape,
    the_encoder_builds_all_its_variables,
    the_encoder_refuses_sizes_that_do_not_fit,
)
DECODER_CHECKS: tuple[Check, ...] = (
    the_decoder_gives_the_image_shape,
    the_decoder_ends_in_float32,
    the_decoder_builds_all_its_variables,
)


def _images(encoder: Encoder, grid: tuple[int, int], channels: int) -> Floats:
    height, width = (side * encoder.downsampling for side in grid)
    shape = (2, height, width, channels)
    return np.random.default_rng(0).random(shape, dtype="float32")


def _latents(channels: int) -> Floats:
    shape = (2, 3, 2, channels)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def _decoder(factory: Factory) -> Decoder:
    decoder: Decoder = factory(image_shape=(12, 8, 3), downsampling=4)
    return decoder


def _called(network: keras.layers.Layer, inputs: Floats) -> Any:
    network.build((None, *inputs.shape[1:]))
    found = network(ops.convert_to_tensor(inputs), training=False)
    return ops.convert_to_numpy(found)


def _builds_completely(network: keras.layers.Layer, inputs: Floats) -> None:
    network.build((None, *inputs.shape[1:]))
    unbuilt = [layer.name for layer in network._flatten_layers() if not layer.built]
    before = len(network.variables)
    network(ops.convert_to_tensor(inputs), training=False)
    require(
        not unbuilt and len(network.variables) == before,
        f"build() leaves {', '.join(unbuilt) or 'variables'} to the first call: build "
        "every layer that the constructor made",
    )
    require_own_names(
        network,
        "give each layer a name of its own, because a checkpoint finds them by it",
    )


def _problems(encoder: Encoder, size: int) -> list[Problem]:
    """The problems of an image size, with the options of this encoder."""
    options = {
        option.name: getattr(encoder, option.name, option.schema.get("default"))
        for option in parameters_of(type(encoder))
        if option.supplied is None
    }
    context = Context(image_size=size, steps=None, batch_size=2, experiment={})
    return list(type(encoder).check(options, context))
