"""Vector quantization whose error has a gradient: its length, in a noisy direction."""

from __future__ import annotations

import keras
from keras import ops

from vqfw.kinds import Count, Positive, Quantized, Seed, nearest
from vqfw.kinds.tensors import Latents, Tensor
from vqfw_quantizers.directions import SHORTEST, unit
from vqfw_quantizers.embeddings import EmbeddingsQuantizer, looked_up
from vqfw_quantizers.initialization import Initialization


class DiVeQ(EmbeddingsQuantizer):
    """Moves each latent by its distance to the nearest code, roughly towards this code.

    (batch, *positions, channels) to the same shape. In training the output is
    ``z + |e - z| sg(d)`` with ``d`` the direction of ``(e - z) + v`` and ``v`` a little
    normal noise: the distance carries the reconstruction's gradient to latents and
    codes, so there is no codebook loss and no commitment loss. Outside training the output
    is the code. Source: Vali, Bäckström and Solin 2025,
    https://arxiv.org/abs/2509.26469. NSVQ takes noise alone as the direction: Vali and
    Bäckström 2022, https://doi.org/10.1109/ACCESS.2022.3147670.

    Args:
        num_embeddings: Codes in the book.
        embedding_dim: Dimensions of a code; where the encoder has another number of
            channels, one linear map leads in and one out.
        noise: Standard deviation of ``v`` in each dimension, in units of the latents.
        initialization: ``kmeans`` places the codes on means of the first latents,
            ``kmeans_plus_plus`` on latents far from each other, ``random`` draws them
            evenly from plus or minus ``1 / num_embeddings``.

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
        super().__init__(seed, num_embeddings, embedding_dim, initialization)
        self.straight_through = False
        self.noise = noise
        self.random = keras.random.SeedGenerator(seed, name="noise")

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

    def _error(self, gap: Tensor) -> Tensor:
        """The length of the gap, with a gradient, times a direction without one."""
        squares = ops.sum(ops.square(gap), axis=-1, keepdims=True)
        # Where a latent equals its code, the gradient of the root would be infinite.
        length = ops.sqrt(ops.maximum(squares, SHORTEST))
        shape = ops.shape(gap)
        drawn = self.noise * keras.random.normal(shape, seed=self.random)
        return length * ops.stop_gradient(unit(gap + drawn))
