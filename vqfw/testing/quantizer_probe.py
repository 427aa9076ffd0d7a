"""What the checks of quantizers share: latents to try them on, and a step of training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from vqfw.kinds import Book, CodebookQuantizer, Quantized, Quantizer
from vqfw.kinds.tensors import Floats
from vqfw.testing.check import Factory, explained, require
from vqfw.testing.probe import arrays, gradients

CHANNELS = 8
SHAPE = (2, 4, 4, CHANNELS)


def random_latents(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> Floats:
    """Normal latents: (batch, *positions, channels) float32, the same for a seed."""
    return np.random.default_rng([7, seed]).normal(size=shape).astype("float32")


def grid_of(
    quantizer: Quantizer, rows: int, columns: int, images: int = 1
) -> tuple[int, int, int, int]:
    """The shape of latents that give as many rows and columns of tokens."""
    return images, rows * quantizer.cell, columns * quantizer.cell, CHANNELS


def built(factory: Factory) -> Quantizer:
    """A fresh quantizer, built for latents of ``CHANNELS``."""
    quantizer: Quantizer = factory()
    require(
        SHAPE[1] % quantizer.cell == 0,
        f"latents share tokens in cells of {quantizer.cell}: these checks know grids of "
        f"{SHAPE[1]} x {SHAPE[2]} alone, so try it with a cell that divides them",
    )
    quantizer.build((None, *SHAPE[1:]))
    return quantizer


def ready(factory: Factory) -> Quantizer:
    """Built, with its codes placed: the engine does so before it trains them."""
    quantizer = built(factory)
    initialize(quantizer, random_latents((8, 4, 4, CHANNELS), seed=6))
    return quantizer


def outcome(quantizer: Quantizer, latents: Floats, training: bool = False) -> Any:
    """What it makes of latents, all in NumPy."""
    found = quantizer(ops.convert_to_tensor(latents), training=training)
    return arrays(found)


def total_loss(quantized: Quantized) -> Any:
    """All that a quantizer adds to the loss, with a beta of 1."""
    losses = quantized.codebook_loss + quantized.commitment_loss
    return losses + quantized.auxiliary_loss


def rebuilding(latents: Floats) -> Callable[[Quantized], Any]:
    """What a training minimizes whose decoder is the identity."""

    def objective(quantized: Quantized) -> Any:
        apart = quantized.latents - ops.convert_to_tensor(latents)
        return total_loss(quantized) + ops.mean(ops.square(apart))

    return objective


def train(
    quantizer: Quantizer,
    latents: Floats,
    objective: Callable[[Quantized], Any] = total_loss,
) -> None:
    """One step of gradient descent on the quantizer and its latents."""
    gradients(quantizer, latents, objective)


def initialize(quantizer: Quantizer, latents: Floats) -> None:
    """Places the codes, where there are any to place."""
    if not isinstance(quantizer, CodebookQuantizer):
        return
    with explained(
        "initialize() fails",
        "latents come as (images, *positions, channels); reshape(-1, channels) makes one "
        "list of them",
    ):
        quantizer.initialize(latents, seed=0)


def books_of(quantizer: Quantizer) -> tuple[Book, ...]:
    """Its codebooks; none where it has no codes of its own, or wraps others without."""
    return quantizer.codebooks if isinstance(quantizer, CodebookQuantizer) else ()
