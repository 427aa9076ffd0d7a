"""The contract of a quantizer: latents in, tokens and their codes out."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Annotated, Any, ClassVar, NamedTuple

import keras
from keras import ops

from vqfw.kinds.options import Count, Range
from vqfw.kinds.precision import policy
from vqfw.kinds.tensors import Floats, Latents, Mask, Scalar, Tokens


class Quantized(NamedTuple):
    """The output of a quantizer; a loss that it does not have is left out.

    Args:
        latents: (batch, *positions, channels): the decoder's input; straight-through in
            training, exactly ``embed(tokens)`` otherwise.
        tokens: (batch, *positions, num_codebooks) int32, ``tokens[..., i]`` in
            ``[0, vocabulary[i])``; one position a ``cell`` of latents.
        codebook_loss: unweighted mean; moves the codebook.
        commitment_loss: unweighted mean; moves the encoder; the engine weights it by beta.
        auxiliary_loss: already weighted by the quantizer's own options.
    """

    latents: Latents
    tokens: Tokens
    codebook_loss: Scalar = 0.0
    commitment_loss: Scalar = 0.0
    auxiliary_loss: Scalar = 0.0

    @classmethod
    def of(
        cls, latents: Latents, codes: Latents, tokens: Tokens, training: bool
    ) -> Quantized:
        """The output where codes are weights: both losses, straight-through gradient.

        Source: van den Oord et al. 2017, eq. 3, https://arxiv.org/abs/1711.00937.

        Args:
            latents: (batch, *positions, channels) as they came.
            codes: the same shape: ``embed(tokens)``.
            tokens: int32 (batch, *positions, num_codebooks).
            training: as in ``call``.
        """
        fixed = ops.stop_gradient(codes)
        through = latents + ops.stop_gradient(codes - latents)
        return cls(
            latents=through if training else codes,
            tokens=tokens,
            codebook_loss=ops.mean(ops.square(ops.stop_gradient(latents) - codes)),
            commitment_loss=ops.mean(ops.square(latents - fixed)),
        )


def _with_every_loss(call: Callable[..., Quantized]) -> Callable[..., Quantized]:
    """A ``call`` with a tensor for each loss that is a plain number, as Keras needs."""

    @wraps(call)
    def whole(*arguments: Any, **options: Any) -> Quantized:
        quantized = call(*arguments, **options)
        numbers = {
            name: ops.convert_to_tensor(loss, "float32")
            for name in Quantized._field_defaults
            if isinstance(loss := getattr(quantized, name, None), int | float)
        }
        return quantized._replace(**numbers) if numbers else quantized

    return whole


class Quantizer(keras.layers.Layer):
    """Replaces latents by codes out of a finite set.

    A subclass implements ``call(latents, training=False) -> Quantized`` and ``embed``,
    and sets ``vocabulary`` in its constructor. It runs in float32 whatever the policy, and
    so do the layers that its ``build`` makes, and its constructor where the engine calls it.
    Outside training it changes no variable.
    """

    vqfw_kind: ClassVar[str] = "quantizer"

    straight_through: bool = True
    """Whether the latents get the gradient of the codes unchanged.

    False for another estimator, such as a rotation, or if the latents are scaled before the
    search; then the gradient need only be finite.
    """

    vocabulary: tuple[Count, ...]
    """The number of codes of each codebook."""

    cell: Count = 1
    """Side of the square of latents that share one position of the tokens.

    Where it is more than 1, ``call`` takes (batch, rows, columns, channels) with sides that
    it divides, and tokens are (batch, rows / cell, columns / cell, num_codebooks).
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "build" in vars(cls):
            cls.build = policy("float32")(cls.build)
        if "call" in vars(cls):
            cls.call = _with_every_loss(cls.call)  # type: ignore[method-assign]

    def __init__(self, **layer: Any) -> None:
        super().__init__(**{"dtype": "float32", "name": "quantizer", **layer})

    @property
    def bits_per_position(self) -> float:
        """Bits of the tokens of one position: ``log2`` of the vocabulary.

        A quantizer whose tokens exclude others nearby has fewer and overrides it; one that
        wraps others returns the sum of theirs.
        """
        return sum(math.log2(size) for size in self.vocabulary)

    @property
    def scheduled(self) -> Mapping[str, Scalar]:
        """Options that follow a schedule, by name: () float32, at the last step; logged."""
        return {}

    @abstractmethod
    def embed(self, tokens: Tokens) -> Latents:
        """The latents that the decoder takes for tokens, projections included.

        Args:
            tokens: int32 (batch, *positions, num_codebooks), as ``call`` gives them.

        Returns:
            (batch, *positions, channels) float32, as they came into ``call``.
        """

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        """Quantizes a batch of latents; a subclass implements it.

        Args:
            latents: (batch, *positions, channels) float32.
            training: whether a gradient is taken and the codebook may move.
        """
        raise NotImplementedError(f"{type(self).__name__} has no call()")


class Book:
    """One codebook as revival and diagnosis see it; all arrays are NumPy's, on the host.

    A ``CodebookQuantizer`` has one per codebook.
    """

    @property
    @abstractmethod
    def vectors(self) -> Floats:
        """(num_embeddings, embedding_dim) the codes, in the space of the search."""

    @abstractmethod
    def replace(self, vectors: Floats, mask: Mask) -> None:
        """Writes new codes, and their state, in the rows of a mask.

        A book of codes of length one keeps the direction of the new codes.

        Args:
            vectors: (num_embeddings, embedding_dim); rows outside the mask are ignored.
            mask: (num_embeddings,) bool.
        """

    @property
    @abstractmethod
    def variables(self) -> Sequence[Any]:
        """Trained variables with a row per code; revival resets their optimizer moments."""

    @property
    @abstractmethod
    def recent_latents(self) -> Floats:
        """(n, embedding_dim) latents of the last training steps; n may be 0."""


class CodebookQuantizer(Quantizer):
    """A quantizer with learned vectors, which may be initialized from data and revived."""

    warm_up: Annotated[int, Range(minimum=0)] = 0
    """Optimizer steps after which the engine calls ``initialize``."""

    @property
    @abstractmethod
    def codebooks(self) -> tuple[Book, ...]:
        """One book for each entry of ``vocabulary``, in its order.

        A quantizer that wraps others has their books; without books nothing is initialized
        and nothing is revived.
        """

    @abstractmethod
    def initialize(self, latents: Floats, seed: int) -> None:
        """Initializes the codes from latents of training images, once, after the warm-up.

        Args:
            latents: (images, *positions, channels) as the encoder gives them, before any
                projection.
            seed: of the k-means.
        """
