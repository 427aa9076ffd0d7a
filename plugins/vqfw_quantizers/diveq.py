"""Vector quantization that stands for its error by noise, so that it has a gradient."""

from __future__ import annotations

import keras
from keras import ops

from vqfw.kinds import (
    Book,
    CodebookQuantizer,
    Count,
    Positive,
    Quantized,
    Seed,
    nearest,
)
from vqfw.kinds.tensors import Floats, Latents, Tensor, Tokens
from vqfw_quantizers.directions import SHORTEST, unit
from vqfw_quantizers.embeddings import GradientBook, looked_up, trained_vectors
from vqfw_quantizers.kmeans import PLACEMENTS, Initialization
from vqfw_quantizers.projection import Projection
from vqfw_quantizers.recent import RecentLatents


class DiVeQ(CodebookQuantizer):
    """Moves each latent by its distance to the nearest code, in about that direction.

    (batch, *positions, channels) to the same shape. In training the output is
    ``z + |e - z| sg(d)`` with ``d`` the direction of ``(e - z) + v`` and ``v`` a little
    normal noise: the distance carries the reconstruction's gradient to latents and
    codes, which then need no codebook loss and no commitment loss. Otherwise the output
    is the code. Source: Vali, Bäckström and Solin 2025,
    https://arxiv.org/abs/2509.26469; with noise alone for a direction it is NSVQ, Vali
    and Bäckström 2022, https://doi.org/10.1109/ACCESS.2022.3147670.

    Args:
        num_embeddings: Codes in the book.
        embedding_dim: Dimensions of a code; where the encoder has other channels, a
            linear map leads in and another one out.
        noise: Standard deviation of ``v`` in each dimension, in units of the latents.
        initialization: ``kmeans`` places the codes on means of the first latents,
            ``kmeans_plus_plus`` on latents far from each other, ``random`` leaves them
            uniform in plus or minus ``1 / num_embeddings``.

    >>> quantizer = DiVeQ(seed=0, num_embeddings=4, embedding_dim=2)
    >>> quantizer.build((None, 1, 2))
    >>> found = quantizer(ops.ones((1, 1, 2)), training=True)
    >>> float(found.codebook_loss + found.commitment_loss)
    0.0
    """

    def __init__(
        self,
        seed: Seed,
        num_embeddings: Count = 512,
        embedding_dim: Count = 64,
        noise: Positive = 0.001,
        initialization: Initialization = "kmeans",
    ) -> None:
        super().__init__()
        self.vocabulary = (num_embeddings,)
        self.straight_through = False
        self.noise = noise
        self.initialization = initialization
        self.random = keras.random.SeedGenerator(seed, name="noise")
        self.projection = Projection(embedding_dim)
        self.recent = RecentLatents(embedding_dim)
        self.embeddings = trained_vectors(self, num_embeddings, embedding_dim, seed)

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        latents = self.projection(latents)
        flat = ops.stop_gradient(ops.reshape(latents, (-1, latents.shape[-1])))
        tokens = nearest(flat, ops.stop_gradient(self.embeddings))
        codes = ops.reshape(looked_up(self.embeddings, tokens), ops.shape(latents))
        if training:
            self.recent.add(flat)
            codes = latents + self._error(codes - latents)
        return Quantized(
            latents=self.projection.back(codes),
            tokens=ops.reshape(tokens, (*ops.shape(latents)[:-1], 1)),
        )

    def embed(self, tokens: Tokens) -> Latents:
        codes = ops.take(self.embeddings, tokens[..., 0], axis=0)
        return self.projection.back(codes)

    def initialize(self, latents: Floats, seed: int) -> None:
        if self.initialization != "random":
            latents = ops.convert_to_numpy(self.projection(latents))
            place = PLACEMENTS[self.initialization]
            self.embeddings.assign(place(latents, self.vocabulary[0], seed))

    @property
    def codebooks(self) -> tuple[Book, ...]:
        return (GradientBook(self.embeddings, self.recent),)

    def _error(self, gap: Tensor) -> Tensor:
        """The gap's length, with its gradient, in a direction that has none."""
        squares = ops.sum(ops.square(gap), axis=-1, keepdims=True)
        # A latent on its code is at rest: the root's own gradient is infinite there.
        length = ops.sqrt(ops.maximum(squares, SHORTEST))
        shape = ops.shape(gap)
        drawn = self.noise * keras.random.normal(shape, seed=self.random)
        return length * ops.stop_gradient(unit(gap + drawn))
