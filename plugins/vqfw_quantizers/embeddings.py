"""Codes that are one trained weight: initialization, look-up and revival."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from vqfw.kinds import Book, CodebookQuantizer
from vqfw.kinds.tensors import Floats, Latents, Mask, Tensor, Tokens, Vectors
from vqfw_quantizers.initialization import PLACEMENTS
from vqfw_quantizers.projection import Projection
from vqfw_quantizers.recent import RecentLatents
from vqfw_quantizers.stored_book import StoredBook


def trained_vectors(
    owner: keras.layers.Layer, num_embeddings: int, embedding_dim: int, seed: int
) -> Any:
    """Adds the codes to a layer, drawn evenly from plus or minus ``1 / num_embeddings``.

    Returns:
        The variable ``embeddings``, (num_embeddings, embedding_dim) float32.
    """
    bound = 1 / num_embeddings
    return owner.add_weight(
        shape=(num_embeddings, embedding_dim),
        initializer=keras.initializers.RandomUniform(-bound, bound, seed=seed),
        name="embeddings",
    )


def looked_up(vectors: Vectors, tokens: Tokens) -> Tensor:
    """The codes of tokens of any shape, with a dense gradient.

    TensorFlow's sparse gradient lists a code once a latent, and Adam would square each
    entry instead of their sum. The product with 1.0 makes the gradient dense.
    """
    return ops.take(1.0 * vectors, tokens, axis=0)


class EmbeddingsQuantizer(CodebookQuantizer):
    """A quantizer whose one book is a trained weight; abstract."""

    def __init__(
        self, seed: int, num_embeddings: int, embedding_dim: int, initialization: str
    ) -> None:
        super().__init__()
        self.vocabulary = (num_embeddings,)
        self.initialization = initialization
        self.projection = Projection(embedding_dim)
        self.recent = RecentLatents(embedding_dim)
        self.embeddings = trained_vectors(self, num_embeddings, embedding_dim, seed)

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)

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
        return (
            StoredBook(
                self._vectors,
                self._replace,
                lambda: self.recent.values,
                (self.embeddings,),
            ),
        )

    def _vectors(self) -> Floats:
        vectors: Floats = ops.convert_to_numpy(self.embeddings)
        return vectors

    def _replace(self, vectors: Floats, mask: Mask) -> None:
        self.embeddings.assign(np.where(mask[:, None], vectors, self._vectors()))
