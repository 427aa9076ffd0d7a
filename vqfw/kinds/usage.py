"""The usage of a codebook, and the moving histogram that it is computed from.

A single batch cannot tell: with 512 codes and 256 tokens at most half of them can occur.
So usage is a moving histogram whose half-life is measured in images, debiased like Adam's
moments, and every threshold is relative to uniform use. The same images then give the
same usage in batches of 16 and of 64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from keras import ops

from vqfw.kinds.tensors import Scalar, Tensor

# Codes below this fraction of uniform use count as unused. A tenth keeps a code that
# serves a rare but real part of the images, and still finds one that has gone cold.
ACTIVE_ABOVE = 0.1


@dataclass(frozen=True)
class Usage:
    """The share of the recent tokens that each code of a codebook took.

    Args:
        counts: (num_embeddings,) the share of the recent tokens that each code took;
            they sum to 1, or to 0 before the first batch. A backend tensor inside the
            training step, a NumPy array on the host.
        size: codes in the book, where ``counts`` is longer because books of several
            sizes are stacked; None means all of them.
        age: (num_embeddings,) images seen since each code was last chosen; 0 for a code
            of the last image. None where it is not counted, as inside the training step.
    """

    counts: Any
    size: Any = None
    age: Any = None

    @property
    def num_embeddings(self) -> Any:
        """Codes in the book."""
        return self.counts.shape[0] if self.size is None else self.size

    @property
    def share_active(self) -> Scalar:
        """Share of the codes in use, in [0, 1]: those above a tenth of uniform use."""
        return self._active / self.num_embeddings

    @property
    def dead_codes(self) -> Scalar:
        """How many codes are not in use."""
        return self.num_embeddings - self._active

    @property
    def entropy_bits(self) -> Scalar:
        """Entropy of a token in bits, in [0, log2 K]."""
        share = self._shares
        return -ops.sum(share * ops.log(ops.maximum(share, 1e-12))) / math.log(2)

    @property
    def perplexity(self) -> Scalar:
        """``exp(entropy)`` in [1, K]: K where all codes are used equally."""
        return ops.exp(math.log(2) * self.entropy_bits)

    @property
    def largest_share(self) -> Scalar:
        """Share of the tokens that the most used code takes, in [0, 1]."""
        return ops.max(self._shares)

    def dead(self, below: float) -> Tensor:
        """Marks codes that took less than ``below`` of their share in uniform use.

        Args:
            below: a fraction of ``1 / num_embeddings``.

        Returns:
            (num_embeddings,) bool.
        """
        return self.counts < below / self.num_embeddings

    @property
    def _active(self) -> Scalar:
        return ops.sum(ops.cast(~self.dead(ACTIVE_ABOVE), "float32"))

    @property
    def _shares(self) -> Tensor:
        counts = ops.convert_to_tensor(self.counts, "float32")
        return counts / ops.maximum(ops.sum(counts), 1e-12)


class MovingHistogram(NamedTuple):
    """How often each code was chosen, discounted by age.

    Args:
        shares: (num_embeddings,) float32.
        mass: () float32, the sum of all shares, which debiases them: 0 at first, 1 in the
            end.
    """

    shares: Tensor
    mass: Tensor

    @property
    def usage(self) -> Usage:
        """The debiased shares; all 0 before the first step."""
        return Usage(self.shares / ops.maximum(self.mass, 1e-12))

    def moved(self, tokens: Tensor, decay: Any) -> MovingHistogram:
        """Adds the tokens of a step.

        Args:
            tokens: int32 of any shape.
            decay: in [0, 1), the share of the past that stays; see ``decay_of``.
        """
        counts = histogram(tokens, self.shares.shape[0])
        return MovingHistogram(
            shares=decay * self.shares + (1 - decay) * counts / ops.sum(counts),
            mass=decay * self.mass + (1 - decay),
        )


def histogram(tokens: Tensor, num_embeddings: int) -> Tensor:
    """Counts how often each code occurs.

    Args:
        tokens: int32 of any shape, in [0, num_embeddings).
        num_embeddings: codes in the book.

    Returns:
        (num_embeddings,) float32; it sums to the number of tokens.
    """
    flat = ops.reshape(tokens, (-1,))
    ones = ops.ones_like(flat, dtype="float32")
    return ops.segment_sum(ones, flat, num_segments=num_embeddings)


def images_since(tokens: Tensor, num_embeddings: int, age: Tensor) -> Tensor:
    """Images since each code was last chosen, after a batch.

    It is the same for any division of the images into batches.

    Args:
        tokens: (batch, *positions) int32, in [0, num_embeddings).
        num_embeddings: codes in the book.
        age: (num_embeddings,) float32, images since, before this batch.

    Returns:
        (num_embeddings,) float32.
    """
    flat = ops.reshape(tokens, (-1,))
    images = ops.shape(tokens)[0]
    # At least 1, above the number that a backend gives for a code that was not chosen.
    ordinal = 1 + ops.arange(ops.size(flat), dtype="int32") // (
        ops.size(flat) // images
    )
    last = ops.segment_max(ordinal, flat, num_segments=num_embeddings)
    count = ops.cast(images, "float32")
    return ops.where(last > 0, count - ops.cast(last, "float32"), age + count)


def decay_of(half_life: float, images: int) -> float:
    """The factor that halves a moving average every ``half_life`` images.

    >>> round(decay_of(half_life=64, images=64), 3)
    0.5
    >>> round(decay_of(half_life=64, images=16) ** 4, 3)
    0.5
    """
    return float(0.5 ** (images / half_life))
