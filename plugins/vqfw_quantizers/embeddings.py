"""Codes that are one trained weight: how it begins, is looked up, and is revived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from vqfw.kinds import Book
from vqfw.kinds.tensors import Floats, Mask, Tensor, Tokens, Vectors
from vqfw_quantizers.recent import RecentLatents


def trained_vectors(
    owner: keras.layers.Layer, num_embeddings: int, embedding_dim: int, seed: int
) -> Any:
    """Adds codes to a layer, drawn evenly from plus or minus ``1 / num_embeddings``.

    Args:
        owner: of the weight, which is called ``embeddings``.
        num_embeddings: codes in the book.
        embedding_dim: dimensions of a code.
        seed: of the draw.

    Returns:
        The variable, (num_embeddings, embedding_dim) float32.
    """
    bound = 1 / num_embeddings
    return owner.add_weight(
        shape=(num_embeddings, embedding_dim),
        initializer=keras.initializers.RandomUniform(-bound, bound, seed=seed),
        name="embeddings",
    )


def looked_up(vectors: Vectors, tokens: Tokens) -> Tensor:
    """The codes of tokens of any shape, with a dense gradient.

    TensorFlow's sparse one lists a code once a latent, and Adam would square the entries
    one by one instead of their sum; the product keeps it from being made.
    """
    return ops.take(1.0 * vectors, tokens, axis=0)


class GradientBook(Book):
    """A codebook that is one trained weight.

    Args:
        embeddings: the variable, (num_embeddings, embedding_dim).
        recent: latents in the space of the search.
    """

    def __init__(self, embeddings: Any, recent: RecentLatents) -> None:
        self._embeddings = embeddings
        self._recent = recent

    @property
    def vectors(self) -> Floats:
        vectors: Floats = ops.convert_to_numpy(self._embeddings)
        return vectors

    def replace(self, vectors: Floats, mask: Mask) -> None:
        self._embeddings.assign(np.where(mask[:, None], vectors, self.vectors))

    @property
    def variables(self) -> Sequence[Any]:
        return (self._embeddings,)

    @property
    def recent_latents(self) -> Floats:
        return self._recent.values
