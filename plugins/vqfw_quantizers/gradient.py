"""Vector quantization whose codes are weights, trained by a codebook loss."""

from __future__ import annotations

from collections.abc import Mapping

from keras import ops

from vqfw.kinds import BetaScheduler, Count, Quantized, Seed, nearest
from vqfw.kinds.tensors import Latents, Scalar, Tokens
from vqfw.kinds.usage import histogram
from vqfw_quantizers.embeddings import EmbeddingsQuantizer, looked_up
from vqfw_quantizers.estimators import ESTIMATORS, GradientEstimator
from vqfw_quantizers.initialization import Initialization
from vqfw_quantizers.orthogonality import orthogonality_penalty
from vqfw_quantizers.schedule import last_values, scheduled_term, scheduled_weight


class GradientQuantizer(EmbeddingsQuantizer):
    """Replaces each latent by the nearest code; a codebook loss moves codes to latents.

    (batch, *positions, channels) to the same shape. Codebook loss ``mean((sg(z) - e)^2)``,
    commitment loss ``mean((z - sg(e))^2)``. Source: van den Oord et al. 2017, eq. 3,
    https://arxiv.org/abs/1711.00937.

    Args:
        num_embeddings: Codes in the book.
        embedding_dim: Dimensions of a code; where the encoder has another number of
            channels, one linear map leads in and one out.
        initialization: ``kmeans`` places the codes on means of the first latents,
            ``kmeans_plus_plus`` on latents far from each other, ``random`` draws them
            evenly from plus or minus ``1 / num_embeddings``.
        gradient_estimator: How the decoder's gradient reaches the latents:
            ``straight_through`` copies it, ``rotation`` turns it as code from latent.
        orthogonality_weight: Weight of a term that turns the chosen codes away from each
            other; null leaves it out.
    """

    def __init__(
        self,
        seed: Seed,
        num_embeddings: Count = 512,
        embedding_dim: Count = 64,
        initialization: Initialization = "kmeans",
        gradient_estimator: GradientEstimator = "straight_through",
        orthogonality_weight: BetaScheduler | None = None,
    ) -> None:
        super().__init__(seed, num_embeddings, embedding_dim, initialization)
        self.straight_through = gradient_estimator == "straight_through"
        self.estimator = ESTIMATORS[gradient_estimator]
        self.orthogonality_weight = scheduled_weight(
            orthogonality_weight, num_embeddings, "orthogonality_weight"
        )

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        latents = self.projection(latents)
        flat = ops.stop_gradient(ops.reshape(latents, (-1, latents.shape[-1])))
        tokens = nearest(flat, ops.stop_gradient(self.embeddings))
        codes = ops.reshape(looked_up(self.embeddings, tokens), ops.shape(latents))
        tokens = ops.reshape(tokens, (*ops.shape(latents)[:-1], 1))
        quantized = Quantized.of(latents, codes, tokens, training)
        if training:
            self.recent.add(flat)
            codes = self.estimator(latents, ops.stop_gradient(codes))
        return quantized._replace(
            latents=self.projection.back(codes),
            auxiliary_loss=scheduled_term(
                self.orthogonality_weight,
                lambda: self._orthogonality(tokens),
                tokens,
                training,
            ),
        )

    @property
    def scheduled(self) -> Mapping[str, Scalar]:
        return last_values(self.orthogonality_weight)

    def _orthogonality(self, tokens: Tokens) -> Scalar:
        chosen = histogram(tokens, self.vocabulary[0]) > 0
        return orthogonality_penalty(self.embeddings, chosen)
