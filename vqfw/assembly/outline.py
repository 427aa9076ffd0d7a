"""The sizes of a plan: shapes, parameters, memory, bits; and the time of a training step.

The model is built with fresh weights and called on one empty image. No image is read and
nothing is written.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import keras
import numpy as np

from vqfw.assembly.assemble import build_autoencoder, build_parts
from vqfw.assembly.parts import Parts
from vqfw.data.arrays import Images
from vqfw.data.batches import Batches
from vqfw.plan import Plan

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Outline:
    """The sizes of a plan.

    Args:
        image_shape: (height, width, channels).
        latent_shape: of one image, before the quantizer.
        token_shape: of one image, (*positions, num_codebooks); empty without tokens.
        vocabulary: the number of codes of each codebook.
        trainable: parameters that the optimizer moves.
        codebook: numbers in the codebooks, trained or not.
        revives: whether the model has a revival and codebooks for it.
        weight_bytes: of all parameters.
        optimizer_bytes: of the state of the optimizer.
        activation_bytes: of the layers' outputs, kept for the gradient of one batch;
            an estimate.
        bits_per_image: of the tokens; None where the rate is learned.
    """

    image_shape: Shape
    latent_shape: Shape
    token_shape: Shape
    vocabulary: tuple[int, ...]
    trainable: int
    codebook: int
    revives: bool
    weight_bytes: int
    optimizer_bytes: int
    activation_bytes: int
    bits_per_image: float | None

    @property
    def compression(self) -> float | None:
        """Bits of the uint8 image over bits of its tokens."""
        if self.bits_per_image is None:
            return None
        return 8 * math.prod(self.image_shape) / self.bits_per_image


def outline_of(plan: Plan) -> Outline:
    """Builds the model of a plan and counts its sizes.

    Raises:
        VqfwError: as building it for a run would.
    """
    autoencoder = build_autoencoder(plan)
    model = autoencoder.model
    images = np.zeros((1, *plan.image_shape), "float32")
    with _output_bytes() as sizes:
        output = model(images)
    latents = model.encode(images)
    tokens, quantizer = output.tokens, model.codebook_quantizer
    books = () if quantizer is None else quantizer.codebooks
    return Outline(
        image_shape=plan.image_shape,
        latent_shape=tuple(latents.shape[1:]),
        token_shape=tuple(tokens.shape[1:]) if tokens is not None else (),
        vocabulary=model.vocabulary,
        trainable=_count(autoencoder.trainable_variables),
        codebook=sum(book.vectors.size for book in books),
        revives=model.revival is not None and bool(books),
        weight_bytes=4 * _count(model.variables),
        optimizer_bytes=4 * _count(autoencoder.optimizer.variables),
        activation_bytes=sum(sizes) * plan.experiment.training.batch_size,
        bits_per_image=float(output.bits[0]) if tokens is not None else None,
    )


def seconds_per_step(plan: Plan) -> float:
    """The median time of five training steps on random images, waits for batches included."""
    parts = build_parts(plan)
    autoencoder, batches = parts.autoencoder, random_batches(plan, parts)
    # The first step compiles.
    with closing(batches.prefetched(0, 6, plan.threads)) as coming:
        moments = []
        for batch in coming:
            autoencoder.train_on_batch(batch)
            moments.append(time.perf_counter())
    return statistics.median(after - before for before, after in pairwise(moments))


def random_batches(plan: Plan, parts: Parts) -> Batches:
    """Training batches of a plan with noise for images, the same in each."""
    size = plan.experiment.training.batch_size
    rng = np.random.default_rng(plan.experiment.seed)
    pixels = rng.integers(0, 256, (size, *plan.image_shape), dtype="uint8")
    return parts.batches(plan, Images(pixels, ("",) * size, ("",) * size))


_WIDTH = {"bfloat16": 2, "float16": 2, "float32": 4, "float64": 8, "uint8": 1}


@contextmanager
def _output_bytes() -> Iterator[list[int]]:
    """Collects the bytes of every tensor that a layer returns while the block runs."""
    sizes: list[int] = []
    original = keras.layers.Layer.__call__

    def measured(layer: Any, *arguments: Any, **options: Any) -> Any:
        outputs = original(layer, *arguments, **options)
        # A container returns the output of its last layer again.
        if not layer._flatten_layers(include_self=False):
            for output in keras.tree.flatten(outputs):
                if hasattr(output, "shape") and hasattr(output, "dtype"):
                    name = keras.backend.standardize_dtype(output.dtype)
                    sizes.append(math.prod(output.shape) * _WIDTH.get(name, 4))
        return outputs

    keras.layers.Layer.__call__ = measured
    try:
        yield sizes
    finally:
        keras.layers.Layer.__call__ = original


def _count(variables: list[Any]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)
