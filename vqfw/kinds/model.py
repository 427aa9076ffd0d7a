"""The contract of a model: a whole autoencoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import keras

from vqfw.kinds.beta import BetaScheduler
from vqfw.kinds.options import Count
from vqfw.kinds.quantizer import CodebookQuantizer
from vqfw.kinds.revival import Revival
from vqfw.kinds.tensors import Images, Latents, PerImage, Scalar, Tokens

COMMITMENT = "commitment"
"""The loss of this name is the one that the engine weights by beta."""


class Output(NamedTuple):
    """The output of a model for a batch of images.

    Args:
        reconstruction: (batch, height, width, channels) float32, meant for [0, 1].
        tokens: int32 (batch, *positions, num_codebooks), or None without a quantizer.
        losses: further terms by name, each () float32; ``commitment`` is unweighted, all
            others are weighted by their owner.
        bits: (batch,) bits of the code of each image.
    """

    reconstruction: Images
    tokens: Tokens | None
    losses: Mapping[str, Scalar]
    bits: PerImage


class Model(keras.layers.Layer):
    """A whole autoencoder, without optimizer, data or metrics.

    A subclass implements ``call(images, training=False) -> Output``. One that has tokens
    implements ``decode_tokens`` too and sets ``vocabulary``. The engine reads the other
    attributes; a model without one of them leaves it as it is here.
    """

    vqfw_kind: ClassVar[str] = "model"

    vocabulary: tuple[Count, ...] = ()
    """The number of codes of each codebook; empty where the model has no tokens."""
    revival: Revival | None = None
    """The revival strategy of its codes."""
    beta: BetaScheduler | None = None
    """The scheduler of its commitment loss; None if it has no such loss."""

    def __init__(self, **layer: Any) -> None:
        super().__init__(**{"dtype": "float32", "name": "model", **layer})

    @property
    def codebook_quantizer(self) -> CodebookQuantizer | None:
        """Its quantizer, if that has codebooks that can be initialized and revived."""
        return None

    @property
    def bits_per_position(self) -> float:
        """Bits of the tokens of one position; those of the quantizer if it has one."""
        return sum(math.log2(size) for size in self.vocabulary)

    @property
    def scheduled(self) -> Mapping[str, Scalar]:
        """Options that follow a schedule, by name: () float32, at the last step."""
        return {}

    def encode(self, images: Images) -> Latents:
        """The latents of images, before any quantizer: (batch, *positions, channels)."""
        raise NotImplementedError(f"{type(self).__name__} has no encode()")

    def decode_tokens(self, tokens: Tokens) -> Images:
        """Decodes tokens to images, as evaluation reconstructs them.

        Raises:
            NotImplementedError: if the model has no tokens.
        """
        raise NotImplementedError(f"{type(self).__name__} has no tokens to decode")
