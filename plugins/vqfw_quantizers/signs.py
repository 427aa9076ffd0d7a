"""Quantization by the signs of a few channels, the base of LFQ and BSQ.

Every combination of signs is a code, and nothing is stored. The bits of a code may be
split into factors, one token each: 18 bits are one book of 262,144 codes or two of 512,
with the same decoded latents.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from keras import ops

from vqfw.errors import Problem
from vqfw.kinds import BetaScheduler, Context, Quantized, Quantizer, Range
from vqfw.kinds.tensors import Latents, Scalar, Tensor, Tokens
from vqfw_quantizers.entropy import bits_codebook_entropy, bits_sample_entropy
from vqfw_quantizers.projection import Projection
from vqfw_quantizers.schedule import last_values, scheduled_term, scheduled_weight
from vqfw_quantizers.size import too_many_codes

Bits = Annotated[int, Range(minimum=1, maximum=256)]


class SignQuantizer(Quantizer):
    """Replaces each of a few channels by plus or minus a radius; abstract.

    Args:
        seed: of the projection.
        bits: channels of a code.
        factors: tokens a position.
        radius: absolute value of every channel of a code.
        entropy_weight: of the entropy loss; None leaves it out.
        diversity: weight of the codebook's entropy in the entropy loss.
        temperature: of the softmax whose entropy is taken.
    """

    def __init__(
        self,
        seed: int,
        bits: int,
        factors: int,
        radius: float,
        entropy_weight: BetaScheduler | None,
        diversity: float,
        temperature: float,
    ) -> None:
        super().__init__()
        self.vocabulary = (2 ** (bits // factors),) * factors
        self.radius = radius
        self.entropy_weight = scheduled_weight(
            entropy_weight, self.vocabulary[0], "entropy_weight"
        )
        self.diversity = diversity
        self.temperature = temperature
        self.projection = Projection(bits, seed)

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)

    @abstractmethod
    def prepared(self, latents: Tensor) -> Tensor:
        """Scales (..., bits) latents for the comparison with codes; signs stay."""

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        latents = self.prepared(self.projection(latents))
        bits = ops.cast(latents > 0, "float32")
        codes = self._codes(bits)
        commitment = ops.mean(ops.square(latents - codes))
        if training:
            codes = latents + ops.stop_gradient(codes - latents)
        tokens = packed(bits, len(self.vocabulary))
        return Quantized(
            latents=self.projection.back(codes),
            tokens=tokens,
            commitment_loss=commitment,
            # The schedule counts the tokens of all factors as those of one book.
            auxiliary_loss=scheduled_term(
                self.entropy_weight, lambda: self._entropy(latents), tokens, training
            ),
        )

    def embed(self, tokens: Tokens) -> Latents:
        bits = unpacked(tokens, self.projection.embedding_dim)
        return self.projection.back(self._codes(bits))

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Refuses factors that do not divide the bits, and books that are too large."""
        bits, factors = options["bits"], options["factors"]
        fits = [n for n in range(1, bits + 1) if bits % n == 0]
        if bits % factors:
            close = min(fits, key=lambda n: abs(n - factors))
            return [
                Problem(
                    "size-mismatch",
                    f"{bits} bits cannot be split into {factors} equal factors",
                    ("factors",),
                    help=f'set "factors" to {close}, or "bits" to {bits + -bits % factors}',
                )
            ]
        more = next(n for n in fits if n >= factors and bits // n <= 16)
        repair = f'set "factors" to {more}'
        return [*too_many_codes(2 ** (bits // factors), ("bits",), repair)]

    @property
    def scheduled(self) -> Mapping[str, Scalar]:
        return last_values(self.entropy_weight)

    def _codes(self, bits: Tensor) -> Tensor:
        return self.radius * (2.0 * bits - 1.0)

    def _entropy(self, latents: Tensor) -> Scalar:
        """``E[H(p)] - diversity * H(E[p])`` of the choice by squared distance."""
        flat = ops.reshape(latents, (-1, latents.shape[-1]))
        # The squared distances to the two values of a bit differ by 4 * radius * latent.
        logits = 4.0 * self.radius / self.temperature * flat
        books = ops.split(logits, len(self.vocabulary), axis=-1)
        codebook_entropy = sum(bits_codebook_entropy(book) for book in books)
        return bits_sample_entropy(logits) - self.diversity * codebook_entropy


def packed(bits: Tensor, factors: int) -> Tokens:
    """Packs bits into tokens, the first bit of a token as 1, the next as 2, and so on.

    Args:
        bits: (..., bits) of 0 and 1.
        factors: tokens to split them into.

    Returns:
        (..., factors) int32.

    >>> ops.convert_to_numpy(packed(ops.convert_to_tensor([[1, 0, 1, 1]]), 2)).tolist()
    [[1, 3]]
    """
    width = bits.shape[-1] // factors
    rows = ops.reshape(bits, (*ops.shape(bits)[:-1], factors, width))
    return ops.sum(ops.cast(rows, "int32") * _places(width), axis=-1)


def unpacked(tokens: Tokens, bits: int) -> Tensor:
    """Unpacks tokens: (..., factors) int32 to (..., bits) float32 of 0 and 1.

    >>> tokens = ops.convert_to_tensor([[1, 3]])
    >>> ops.convert_to_numpy(unpacked(tokens, 4)).tolist()
    [[1.0, 0.0, 1.0, 1.0]]
    """
    tokens = ops.cast(tokens, "int32")
    rows = tokens[..., None] // _places(bits // tokens.shape[-1]) % 2
    shape = (*ops.shape(tokens)[:-1], bits)
    return ops.cast(ops.reshape(rows, shape), "float32")


def _places(width: int) -> Tensor:
    return ops.convert_to_tensor([2**bit for bit in range(width)], "int32")
