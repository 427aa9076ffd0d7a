"""Trellis-coded quantization: neighbours decide which half of the codes a latent has."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from keras import ops

from vqfw.kinds import (
    Book,
    CodebookQuantizer,
    Count,
    Quantized,
    Range,
    Seed,
    nearest,
)
from vqfw.kinds.tensors import Floats, Latents, Tensor, Tokens
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.kmeans import Initialization
from vqfw_quantizers.projection import Projection

# The codes are dealt out: code i is in subset i % 4.
SUBSETS = 4
# Ungerboeck's parity checks h1 and h0 by the number of states: bit i is i steps ago.
CHECKS = {4: (0o2, 0o5), 8: (0o4, 0o13), 16: (0o4, 0o23)}


class TrellisQuantizer(CodebookQuantizer):
    """Takes the codes that are nearest together, of those that one path leads through.

    (batch, *positions, channels) to the same shape. The book has twice as many codes as a
    latent may choose from, dealt out to four subsets. The latents of an image stand one
    behind the other, row by row; each tells one bit ``b`` to a shift register, and the
    tokens ``i`` and bits that are chosen are those of ``min sum_t |z_t - e_{i_t}|^2`` with
    ``i_t % 4 = h1 b + 2 h0 b``, where ``h b`` is the parity of the bits so far that a
    check ``h`` taps. The bits before leave each latent two subsets, so that a token takes
    ``log2(num_embeddings)`` bits: the newest one, and ``i // 4``. Twice as many codes for
    the nearest would take one bit more; of the squared error that they would save, a path
    saved a third to a half on latents of trained encoders. The Viterbi algorithm finds the
    best of all paths, in training too, and codes follow the mean of the latents that took
    them, as in ``ema``.

    ``embed`` looks tokens up one by one and needs no path. The register begins with zeros,
    so the first latents of an image share one half of the codes. A search takes about 1.4
    KB of memory a latent with 8 states, and 4 KB with 16, at 64 dimensions. Unlike in the
    sources, codes are dealt out as they come: to part those that are close changed the
    error by less than 1 %.

    Sources: Marcellin and Fischer 1990, https://doi.org/10.1109/26.46532; of vectors,
    Fischer, Marcellin and Wang 1991, https://doi.org/10.1109/18.104316; the registers,
    Ungerboeck 1982, table I, https://doi.org/10.1109/TIT.1982.1056454.

    Args:
        num_embeddings: Codes that a latent may choose from; the book has twice as many.
        embedding_dim: Dimensions of a code; where the encoder has other channels, a
            linear map leads in and another one out.
        decay: Share of the past that stays in the moving average at each step.
        initialization: ``kmeans`` places the codes on means of the latents of training
            images, ``kmeans_plus_plus`` on latents far from each other, ``random``
            leaves them where a normal distribution of unit variance put them.
        states: Of the shift register. More find paths that are a little closer, and take
            more time and memory.

    >>> quantizer = TrellisQuantizer(
    ...     seed=0, num_embeddings=2, embedding_dim=1, states=4
    ... )
    >>> quantizer.build((None, 3, 1))
    >>> quantizer.codebooks[0].replace(np.array([[0], [1], [2], [3]]), np.full(4, True))
    >>> found = quantizer(ops.convert_to_tensor([[[0.4], [1.4], [1.4]]]))
    >>> ops.convert_to_numpy(found.tokens)[0, :, 0].tolist()
    [0, 2, 1]
    >>> quantizer.vocabulary, quantizer.bits_per_position
    ((4,), 1.0)
    """

    def __init__(
        self,
        seed: Seed,
        num_embeddings: Annotated[int, Range(minimum=2, multiple_of=2)] = 512,
        embedding_dim: Count = 64,
        decay: Annotated[float, Range(minimum=0, below=1)] = 0.99,
        initialization: Initialization = "kmeans",
        states: Literal[4, 8, 16] = 8,
    ) -> None:
        super().__init__()
        self.vocabulary = (2 * num_embeddings,)
        self.trellis = Trellis(states)
        self.projection = Projection(embedding_dim)
        self.averaged = EMAQuantizer(
            seed, 2 * num_embeddings, embedding_dim, decay, initialization
        )

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)
        self.averaged.build((*shape[:-1], self.projection.embedding_dim))

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        latents = self.projection(latents)
        quantized = self.averaged.quantize_to(latents, self._tokens(latents), training)
        return quantized._replace(latents=self.projection.back(quantized.latents))

    def embed(self, tokens: Tokens) -> Latents:
        return self.projection.back(self.averaged.embed(tokens))

    def initialize(self, latents: Floats, seed: int) -> None:
        projected = ops.convert_to_numpy(self.projection(latents))
        self.averaged.initialize(projected, seed)

    @property
    def codebooks(self) -> tuple[Book, ...]:
        return self.averaged.codebooks

    @property
    def bits_per_position(self) -> float:
        return super().bits_per_position - 1

    def _tokens(self, latents: Tensor) -> Tensor:
        """The codes of the cheapest path: (batch, *positions, embedding_dim) to (n,)."""
        # The search needs no gradient, and none is recorded.
        flat = ops.stop_gradient(ops.reshape(latents, (-1, latents.shape[-1])))
        vectors = self.averaged.codebook.vectors
        candidates, costs = [], []
        for subset in range(SUBSETS):
            codes = vectors[subset::SUBSETS]
            indices = nearest(flat, codes)
            error = flat - ops.take(codes, indices, axis=0)
            candidates.append(SUBSETS * indices + subset)
            costs.append(ops.sum(ops.square(error), axis=-1))
        positions = math.prod(latents.shape[1:-1])
        steps = ops.reshape(ops.stack(costs, axis=-1), (-1, positions, SUBSETS))
        path = ops.reshape(self.trellis.cheapest(steps), (-1, 1))
        return ops.take_along_axis(ops.stack(candidates, axis=-1), path, axis=-1)[:, 0]


class Trellis:
    """The paths of a shift register, and the subset of codes at each of their steps.

    A state is the last bits, the newest one lowest. A block is as many steps as a state
    has bits: within it one way leads from each state to each other, and the bits of
    ``states * start + end`` are those of the start and then those that the way tells.

    Args:
        states: how many.
    """

    def __init__(self, states: int) -> None:
        self.states = states
        self.steps = states.bit_length() - 1
        ways = np.arange(states**2)[:, None]
        # At each step of a way, the bits that the checks may tap.
        bits = ways >> np.arange(self.steps)[::-1] & (2 * states - 1)
        low, high = (np.bitwise_count(bits & check) % 2 for check in CHECKS[states])
        self.subsets = (low + 2 * high).astype("int32")  # (ways, steps)

    def cheapest(self, costs: Tensor) -> Tensor:
        """The subsets of the path from state 0 whose costs have the least sum.

        Two blocks in a row become one, by the best state between them, until one is left;
        then the states between are looked up from the last round to the first: the Viterbi
        algorithm, halving what is left in each round.

        Args:
            costs: (batch, positions, 4) of every subset.

        Returns:
            (batch, positions) int32.
        """
        sums, pairs = self._of_blocks(costs), []
        while sums.shape[1] > 1:
            sums = _filled(sums, 2)
            first, second = sums[:, 0::2], sums[:, 1::2]
            pairs.append((first, second))
            sums = ops.min(first[..., None] + second[:, :, None], axis=-2)
        ends = ops.cast(ops.argmin(sums[:, :, 0], axis=-1), "int32")
        starts = ops.zeros_like(ends)
        for first, second in reversed(pairs):
            count = first.shape[1]
            starts, ends = starts[:, :count], ends[:, :count]
            onto = ops.take_along_axis(first, starts[..., None, None], axis=2)[:, :, 0]
            off = ops.take_along_axis(second, ends[..., None, None], axis=3)[..., 0]
            middles = ops.cast(ops.argmin(onto + off, axis=-1), "int32")
            starts, ends = _in_turn(starts, middles), _in_turn(middles, ends)
        subsets = ops.take(self.subsets, self.states * starts + ends, axis=0)
        positions = costs.shape[1]
        return ops.reshape(subsets, (-1, subsets.shape[1] * self.steps))[:, :positions]

    def _of_blocks(self, costs: Tensor) -> Tensor:
        """What each way costs in every block: (batch, blocks, starts, ends)."""
        costs = _filled(costs, self.steps)
        blocks = costs.shape[1] // self.steps
        costs = ops.reshape(costs, (-1, blocks, self.steps, SUBSETS))
        sums = sum(
            ops.take(costs[:, :, i], self.subsets[:, i], axis=-1)
            for i in range(self.steps)
        )
        return ops.reshape(sums, (-1, blocks, self.states, self.states))


def _filled(values: Tensor, multiple: int) -> Tensor:
    """With zeros behind on axis 1, which cost a path nothing, up to a multiple."""
    lacking = -values.shape[1] % multiple
    more = [(0, 0), (0, lacking), *[(0, 0)] * (len(values.shape) - 2)]
    return ops.pad(values, more) if lacking else values


def _in_turn(first: Tensor, second: Tensor) -> Tensor:
    """(batch, n) and (batch, n) to (batch, 2 n)."""
    return ops.reshape(ops.stack([first, second], axis=-1), (-1, 2 * first.shape[1]))
