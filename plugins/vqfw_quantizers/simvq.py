"""Vector quantization with frozen codes and one trained linear map of all of them."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from vqfw.kinds import Count, Quantized, Quantizer, Seed, nearest
from vqfw.kinds.tensors import Latents, Tensor, Tokens, Vectors
from vqfw_quantizers.estimators import ESTIMATORS, GradientEstimator
from vqfw_quantizers.projection import Projection


class SimVQ(Quantizer):
    """Replaces each latent by the nearest code; one trained linear map moves all codes.

    (batch, *positions, channels) to the same shape. The codes are ``C W``: ``C`` is random
    and frozen, ``W`` learns from the codebook loss ``mean((sg(z) - C W)^2)``. Each latent
    moves all codes, so no code needs initialization or revival. Source: Zhu et al. 2024,
    https://arxiv.org/abs/2411.02038.

    Args:
        num_embeddings: Codes in the book; books of 65,536 and more stay in use.
        embedding_dim: Dimensions of a code; where the encoder has another number of
            channels, one linear map leads in and one out.
        gradient_estimator: How the decoder's gradient reaches the latents:
            ``straight_through`` copies it, ``rotation`` turns it as code from latent.
    """

    def __init__(
        self,
        seed: Seed,
        num_embeddings: Count = 512,
        embedding_dim: Count = 64,
        gradient_estimator: GradientEstimator = "straight_through",
    ) -> None:
        super().__init__()
        self.vocabulary = (num_embeddings,)
        self.straight_through = gradient_estimator == "straight_through"
        self.estimator = ESTIMATORS[gradient_estimator]
        self.projection = Projection(embedding_dim)
        # Codes begin with a length of about 1, as in the paper.
        spread = keras.initializers.RandomNormal(stddev=embedding_dim**-0.5, seed=seed)
        even = keras.initializers.GlorotUniform(seed=seed + 1)
        self.frozen = self._matrix(num_embeddings, embedding_dim, spread, "frozen")
        self.frozen.trainable = False
        self.map = self._matrix(embedding_dim, embedding_dim, even, "map")

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        latents = self.projection(latents)
        flat = ops.stop_gradient(ops.reshape(latents, (-1, latents.shape[-1])))
        tokens = nearest(flat, ops.stop_gradient(self.vectors))
        tokens = ops.reshape(tokens, (*ops.shape(latents)[:-1], 1))
        codes = self._codes(tokens)
        quantized = Quantized.of(latents, codes, tokens, training)
        if training:
            codes = self.estimator(latents, ops.stop_gradient(codes))
        return quantized._replace(latents=self.projection.back(codes))

    def embed(self, tokens: Tokens) -> Latents:
        return self.projection.back(self._codes(tokens))

    @property
    def vectors(self) -> Vectors:
        """The codes after the map, (num_embeddings, embedding_dim)."""
        return ops.matmul(ops.convert_to_tensor(self.frozen), self.map)

    def _codes(self, tokens: Tokens) -> Tensor:
        """Maps the chosen rows alone, which is enough for the gradient of the map."""
        return ops.matmul(ops.take(self.frozen, tokens[..., 0], axis=0), self.map)

    def _matrix(
        self, rows: int, columns: int, start: keras.initializers.Initializer, name: str
    ) -> Any:
        return self.add_weight(shape=(rows, columns), initializer=start, name=name)
