"""Latents, initialization and training steps for the checks of quantizers."""

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
    """The shape of latents for this number of rows and columns of tokens."""
    return images, rows * quantizer.cell, columns * quantizer.cell, CHANNELS


def built(factory: Factory) -> Quantizer:
    """A fresh quantizer, built for latents of ``CHANNELS``."""
    quantizer: Quantizer = factory()
    require(
        SHAPE[1] % quantizer.cell == 0,
        f"the cell is {quantizer.cell}, and these checks have grids of {SHAPE[1]} x "
        f"{SHAPE[2]}: check the quantizer with a cell that divides {SHAPE[1]}",
    )
    quantizer.build((None, *SHAPE[1:]))
    return quantizer


def ready(factory: Factory) -> Quantizer:
    """A fresh quantizer, built and initialized as the engine does before training."""
    quantizer = built(factory)
    initialize(quantizer, random_latents((8, 4, 4, CHANNELS), seed=6))
    return quantizer


def outcome(quantizer: Quantizer, latents: Floats, training: bool = False) -> Any:
    """The quantizer's result for latents, as NumPy arrays."""
    found = quantizer(ops.convert_to_tensor(latents), training=training)
    return arrays(found)


def total_loss(quantized: Quantized) -> Any:
    """The sum of the losses of a quantizer, with a beta of 1."""
    losses = quantized.codebook_loss + quantized.commitment_loss
    return losses + quantized.auxiliary_loss


def rebuilding(latents: Floats) -> Callable[[Quantized], Any]:
    """The training loss with the identity as decoder: all losses plus squared error."""

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
    """Calls ``initialize`` of a quantizer with codebooks."""
    if not isinstance(quantizer, CodebookQuantizer):
        return
    with explained(
        "initialize() fails",
        "latents come as (images, *positions, channels); reshape(-1, channels) makes one "
        "list of them",
    ):
        quantizer.initialize(latents, seed=0)


def books_of(quantizer: Quantizer) -> tuple[Book, ...]:
    """The codebooks of a quantizer; empty where it has none."""
    return quantizer.codebooks if isinstance(quantizer, CodebookQuantizer) else ()
