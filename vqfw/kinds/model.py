"""The contract of a model: what stands between an image and its reconstruction."""

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
    """What a model makes of a batch of images.

    Args:
        reconstruction: (batch, height, width, channels) float32, meant for [0, 1].
        tokens: int32 (batch, *positions, num_codebooks), or None where there are none.
        losses: further terms by name, each () float32; ``commitment`` is unweighted, all
            others are weighted by their owner.
        bits: (batch,) bits that the code of each image takes.
    """

    reconstruction: Images
    tokens: Tokens | None
    losses: Mapping[str, Scalar]
    bits: PerImage


class Model(keras.layers.Layer):
    """A whole autoencoder, without optimizer, data or metrics.

    A subclass implements ``call(images, training=False) -> Output``. One that has tokens
    implements ``decode_tokens`` too and sets ``vocabulary``. The engine reads the other
    attributes; a model that has none of a thing leaves it as it is here.
    """

    vqfw_kind: ClassVar[str] = "model"

    vocabulary: tuple[Count, ...] = ()
    """The number of codes of each codebook; empty where the model has no tokens."""
    revival: Revival | None = None
    """What revives its codes."""
    beta: BetaScheduler | None = None
    """What weights its commitment loss; None where it has no such loss."""

    def __init__(self, **layer: Any) -> None:
        super().__init__(**{"dtype": "float32", "name": "model", **layer})

    @property
    def codebook_quantizer(self) -> CodebookQuantizer | None:
        """Its quantizer, if that has codebooks that can be initialized and revived."""
        return None

    @property
    def bits_per_position(self) -> float:
        """What the tokens of one position take; a model with a quantizer hands on its own."""
        return sum(math.log2(size) for size in self.vocabulary)

    @property
    def scheduled(self) -> Mapping[str, Scalar]:
        """What of its options follows a schedule: () float32 by name, of the last step."""
        return {}

    def encode(self, images: Images) -> Latents:
        """The latents of images, before any quantizer: (batch, *positions, channels)."""
        raise NotImplementedError(f"{type(self).__name__} has no encode()")

    def decode_tokens(self, tokens: Tokens) -> Images:
        """The images that tokens stand for; equal to what evaluation reconstructs.

        Raises:
            NotImplementedError: if the model has no tokens.
        """
        raise NotImplementedError(f"{type(self).__name__} has no tokens to decode")
