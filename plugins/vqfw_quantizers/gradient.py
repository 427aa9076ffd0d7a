"""Vector quantization whose codes are weights and learn by gradient."""

from __future__ import annotations

from collections.abc import Mapping

from keras import ops

from vqfw.kinds import (
    BetaScheduler,
    Book,
    CodebookQuantizer,
    Count,
    Quantized,
    Seed,
    nearest,
)
from vqfw.kinds.tensors import Floats, Latents, Scalar, Tokens
from vqfw.kinds.usage import histogram
from vqfw_quantizers.embeddings import GradientBook, looked_up, trained_vectors
from vqfw_quantizers.estimators import ESTIMATORS, GradientEstimator
from vqfw_quantizers.kmeans import PLACEMENTS, Initialization
from vqfw_quantizers.orthogonality import orthogonality_penalty
from vqfw_quantizers.projection import Projection
from vqfw_quantizers.recent import RecentLatents
from vqfw_quantizers.schedule import Schedule


class GradientQuantizer(CodebookQuantizer):
    """Replaces each latent by the nearest code; codes are pulled there by their own loss.

    (batch, *positions, channels) to the same shape. Codebook loss ``mean((sg(z) - e)^2)``,
    commitment loss ``mean((z - sg(e))^2)``. Source: van den Oord et al. 2017, eq. 3,
    https://arxiv.org/abs/1711.00937.

    Args:
        num_embeddings: Codes in the book.
        embedding_dim: Dimensions of a code; where the encoder has other channels, a
            linear map leads in and another one out.
        initialization: ``kmeans`` places the codes on means of the first latents,
            ``kmeans_plus_plus`` on latents far from each other, ``random`` leaves them
            uniform in plus or minus ``1 / num_embeddings``.
        gradient_estimator: How the decoder's gradient gets past the choice of codes:
            ``straight_through`` as it is, ``rotation`` turned as code from latent.
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
        super().__init__()
        self.vocabulary = (num_embeddings,)
        self.initialization = initialization
        self.straight_through = gradient_estimator == "straight_through"
        self.estimator = ESTIMATORS[gradient_estimator]
        self.orthogonality_weight = (
            None
            if orthogonality_weight is None
            else Schedule(orthogonality_weight, num_embeddings, "orthogonality_weight")
        )
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
        fixed = ops.stop_gradient(codes)
        codebook_loss = ops.mean(ops.square(ops.stop_gradient(latents) - codes))
        commitment_loss = ops.mean(ops.square(latents - fixed))
        if training:
            self.recent.add(flat)
            fixed = self.estimator(latents, fixed)
        tokens = ops.reshape(tokens, (*ops.shape(latents)[:-1], 1))
        return Quantized(
            latents=self.projection.back(fixed),
            tokens=tokens,
            codebook_loss=codebook_loss,
            commitment_loss=commitment_loss,
            auxiliary_loss=self._orthogonality(tokens, training),
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

    @property
    def scheduled(self) -> Mapping[str, Scalar]:
        if self.orthogonality_weight is None:
            return {}
        return {"orthogonality_weight": self.orthogonality_weight.last}

    def _orthogonality(self, tokens: Tokens, training: bool) -> Scalar:
        if self.orthogonality_weight is None:
            return 0.0
        weight = self.orthogonality_weight.value
        chosen = histogram(tokens, self.vocabulary[0]) > 0
        if training:
            self.orthogonality_weight.advance(weight, tokens)
        return weight * orthogonality_penalty(self.embeddings, chosen)
