"""Vector quantization on the unit sphere."""

from __future__ import annotations

from typing import Annotated

from keras import ops

from vqfw.kinds import Book, Codebook, CodebookQuantizer, Count, Quantized, Range, Seed
from vqfw.kinds.tensors import Floats, Latents, Mask, Tokens
from vqfw_quantizers.directions import unit
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.estimators import GradientEstimator
from vqfw_quantizers.initialization import Initialization
from vqfw_quantizers.projection import Projection
from vqfw_quantizers.stored_book import StoredBook
from vqfw_quantizers.warm_up import WarmUp, warm_up_outlasts_training


class CosineQuantizer(CodebookQuantizer):
    """Replaces each latent by the code of the largest cosine; codes have length one.

    (batch, *positions, channels) to the same shape. Search and commitment loss take the
    latents scaled to length one. Codes are the moving average of these, scaled to length
    one again after each step. Source: Yu et al. 2022, section 3.2,
    https://arxiv.org/abs/2110.04627, which trains the codes by gradient instead.

    Args:
        num_embeddings: Codes in the book.
        embedding_dim: Dimensions of a code; where the encoder has another number of
            channels, one linear map leads in and one out. 8 to 32 keep a large book in use.
        decay: Share of the moving average that each step keeps.
        initialization: ``kmeans`` places the codes on means of the latents of training
            images, ``kmeans_plus_plus`` on latents far from each other, ``random``
            draws them evenly from the sphere.
        warm_up: Optimizer steps in which latents pass unquantized; after them the codes
            are placed.
        gradient_estimator: How the decoder's gradient reaches the latents:
            ``straight_through`` copies it, ``rotation`` turns it as code from latent.

    >>> quantizer = CosineQuantizer(seed=0, num_embeddings=4, embedding_dim=2)
    >>> quantizer.build((None, 1, 2))
    >>> found = quantizer(ops.convert_to_tensor([[[3.0, 4.0]], [[0.3, 0.4]]]))
    >>> bool(found.tokens[0] == found.tokens[1])
    True
    """

    def __init__(
        self,
        seed: Seed,
        num_embeddings: Count = 512,
        embedding_dim: Count = 64,
        decay: Annotated[float, Range(minimum=0, below=1)] = 0.99,
        initialization: Initialization = "kmeans",
        warm_up: WarmUp = 0,
        gradient_estimator: GradientEstimator = "straight_through",
    ) -> None:
        super().__init__()
        self.vocabulary = (num_embeddings,)
        self.warm_up = warm_up
        self.straight_through = False  # scaling to length one turns the gradient
        self.projection = Projection(embedding_dim)
        self.averaged = EMAQuantizer(
            seed=seed,
            num_embeddings=num_embeddings,
            embedding_dim=embedding_dim,
            decay=decay,
            initialization=initialization,
            gradient_estimator=gradient_estimator,
        )
        self._scale_codes()

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)
        self.averaged.build((*shape[:-1], self.projection.embedding_dim))

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        directions = unit(self.projection(latents))
        quantized: Quantized = self.averaged(directions, training=training)
        if training:
            self._scale_codes()
        return quantized._replace(latents=self.projection.back(quantized.latents))

    def embed(self, tokens: Tokens) -> Latents:
        return self.projection.back(self.averaged.embed(tokens))

    def initialize(self, latents: Floats, seed: int) -> None:
        directions = ops.convert_to_numpy(unit(self.projection(latents)))
        self.averaged.initialize(directions, seed)
        self._scale_codes()

    check = staticmethod(warm_up_outlasts_training)

    @property
    def codebooks(self) -> tuple[Book, ...]:
        (book,) = self.averaged.codebooks

        def replace(vectors: Floats, mask: Mask) -> None:
            book.replace(ops.convert_to_numpy(unit(vectors)), mask)

        return (StoredBook(lambda: book.vectors, replace, lambda: book.recent_latents),)

    def _scale_codes(self) -> None:
        vectors, counts = self.averaged.codebook.vectors, self.averaged.codebook.counts
        self.averaged.keep(Codebook(unit(vectors) * counts[:, None], counts))
