"""The state of a codebook, and the search in it.

A book that follows a moving average keeps two tensors, and its vectors are their ratio;
so nothing can move one half and forget the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import keras
from keras import ops

from vqfw.kinds.tensors import Tensor, Vectors
from vqfw.kinds.usage import histogram

# Elements of the distance matrix held at once: 4 Mi floats are 16 MiB, few enough to stay
# in the processor's cache between the product and the choice. A larger matrix is made in
# blocks of half of that, narrow and high: all codes are read again for each row of blocks.
BLOCK_ELEMENTS = 1 << 22
LATENTS_AT_ONCE = 1 << 13
CODES_AT_ONCE = 1 << 8

# A code that nothing chose holds still in a step that would take its count below this. It
# is what a code that started with one latent has left after 1,146 steps at decay 0.99; the
# ratio of two numbers this small is still exact to six digits in float32. At decay 0 it
# keeps the count from becoming 0 at once.
COUNT_FLOOR = 1e-5


class Codebook(NamedTuple):
    """Discounted sums and counts of the latents that chose each code.

    Args:
        sums: (num_embeddings, embedding_dim) float32.
        counts: (num_embeddings,) float32, positive.
    """

    sums: Tensor
    counts: Tensor

    @classmethod
    def of(cls, vectors: Vectors) -> Codebook:
        """A book that holds these vectors, each with the weight of one latent."""
        return cls(vectors, ops.ones((vectors.shape[0],), dtype="float32"))

    @property
    def vectors(self) -> Vectors:
        """The codes: the mean of the latents that chose each, discounted by age."""
        return self.sums / self.counts[:, None]

    def moved(self, latents: Tensor, tokens: Tensor, decay: float) -> Codebook:
        """One step of the moving average.

        ``counts <- decay * counts + (1 - decay) * n`` and
        ``sums <- decay * sums + (1 - decay) * sum of the latents``, as in van den Oord et
        al. 2017, appendix A.1, https://arxiv.org/abs/1711.00937. Both halves shrink
        together where nothing chose a code, so such a code keeps its vector.

        Args:
            latents: (n, embedding_dim) float32.
            tokens: (n,) int32: the code that each latent chose.
            decay: in [0, 1); the share of the past that stays.
        """
        num_embeddings = self.counts.shape[0]
        chosen = histogram(tokens, num_embeddings)
        added = ops.segment_sum(latents, tokens, num_segments=num_embeddings)
        holds = ops.logical_and(chosen == 0, decay * self.counts < COUNT_FLOOR)
        keep = ops.where(holds, 1.0, decay)
        return Codebook(
            sums=keep[:, None] * self.sums + (1 - decay) * added,
            counts=keep * self.counts + (1 - decay) * chosen,
        )

    def replaced(self, vectors: Vectors, mask: Tensor) -> Codebook:
        """The book with new vectors in the rows of ``mask``, each worth one latent."""
        fresh = Codebook.of(ops.convert_to_tensor(vectors, "float32"))
        return Codebook(
            sums=ops.where(mask[:, None], fresh.sums, self.sums),
            counts=ops.where(mask, fresh.counts, self.counts),
        )


def nearest(latents: Tensor, vectors: Vectors) -> Tensor:
    """Finds the code with the smallest Euclidean distance to each latent.

    The choice is made in float32 whatever comes in, and takes no gradient; a GPU on which
    the backend multiplies float32 in the fewer digits of TF32 does so here too. Of the
    distance matrix at most 16 MiB are made at a time, whatever the size of the book; a
    graph of TensorFlow may make a few such blocks at once.

    Args:
        latents: (n, embedding_dim).
        vectors: (num_embeddings, embedding_dim).

    Returns:
        (n,) int32; the lowest index where distances are equal.

    >>> import numpy as np
    >>> found = nearest(np.array([[0.9], [0.1]]), np.array([[0.0], [1.0]]))
    >>> ops.convert_to_numpy(found).tolist()
    [1, 0]
    """
    if isinstance(latents, keras.KerasTensor):
        return keras.KerasTensor(latents.shape[:1], "int32")
    # A recorded gradient would keep every block in memory.
    latents = ops.stop_gradient(ops.cast(latents, "float32"))
    vectors = ops.stop_gradient(ops.cast(vectors, "float32"))
    # |z - e|^2 without its |z|^2 term, which is the same for every code. Both are centred
    # first: a common offset would cost the digits that tell neighbours apart.
    centre = ops.mean(vectors, axis=0, keepdims=True)
    latents, vectors = latents - centre, vectors - centre
    half_norms = 0.5 * ops.sum(ops.square(vectors), axis=-1)
    count = latents.shape[0]
    known = count is not None and count <= LATENTS_AT_ONCE
    if (count if known else LATENTS_AT_ONCE) * vectors.shape[0] <= BLOCK_ELEMENTS:
        search = partial(_best_of, vectors=vectors, half_norms=half_norms)
    else:
        search = partial(_best_of_parts, parts=_parts(vectors, half_norms))
    if known:
        return search(latents)[1]
    return _in_equal_blocks(lambda rows: search(rows)[1], latents)


def _best_of(
    latents: Tensor, vectors: Tensor, half_norms: Tensor
) -> tuple[Tensor, Tensor]:
    """The highest score of each latent, and the first code with it."""
    scores = ops.matmul(latents, ops.transpose(vectors)) - half_norms
    if keras.backend.backend() == "tensorflow":
        # One look at each score. Keras' argmax takes several there, to tell -0.0 from 0.0.
        best, codes = ops.top_k(scores, 1)
    else:
        codes = ops.argmax(scores, axis=-1, keepdims=True)
        best = ops.take_along_axis(scores, codes, axis=-1)
    return best[:, 0], ops.cast(codes[:, 0], "int32")


def _best_of_parts(
    latents: Tensor, parts: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Searches a book in parts; a later part wins only where it has a higher score."""
    vectors, half_norms = parts

    def search(part: Tensor, so_far: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        best, code = so_far
        score, its = _best_of(latents, vectors[part], half_norms[part])
        better = score > best
        its += ops.cast(part, "int32") * vectors.shape[1]
        return ops.where(better, score, best), ops.where(better, its, code)

    nothing = ops.full_like(latents[:, 0], -math.inf)
    first = ops.zeros_like(latents[:, 0], dtype="int32")
    best: tuple[Tensor, Tensor] = ops.fori_loop(
        0, vectors.shape[0], search, (nothing, first)
    )
    return best


def _parts(vectors: Tensor, half_norms: Tensor) -> tuple[Tensor, Tensor]:
    """A book in equal parts; what the last one lacks is farther than any code."""
    count, dimensions = vectors.shape
    parts = math.ceil(count / CODES_AT_ONCE)
    size = math.ceil(count / parts)
    lacking = parts * size - count
    vectors = ops.pad(vectors, ((0, lacking), (0, 0)))
    half_norms = ops.pad(half_norms, ((0, lacking),), constant_values=math.inf)
    return (
        ops.reshape(vectors, (parts, size, dimensions)),
        ops.reshape(half_norms, (parts, size)),
    )


def _in_equal_blocks(search: Callable[[Tensor], Tensor], latents: Tensor) -> Tensor:
    """Searches for many latents, or for a number that only the running graph knows.

    They are padded by less than a block, so that blocks are equal, and no larger than
    ``LATENTS_AT_ONCE``; a few latents make one block of their own number.
    """
    count = ops.shape(latents)[0]
    blocks = (count + LATENTS_AT_ONCE - 1) // LATENTS_AT_ONCE
    if not isinstance(blocks, int):
        blocks = ops.maximum(blocks, 1)
    rows = (count + blocks - 1) // blocks
    padded = ops.pad(latents, ((0, rows * blocks - count), (0, 0)))
    grouped = ops.reshape(padded, (blocks, rows, latents.shape[1]))
    return ops.reshape(ops.map(search, grouped), (-1,))[:count]
