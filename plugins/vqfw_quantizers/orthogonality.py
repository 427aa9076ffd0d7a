"""A loss term that turns the directions of codes away from each other."""

from __future__ import annotations

from keras import ops

from vqfw.kinds.tensors import Scalar, Tensor, Vectors
from vqfw_quantizers.directions import unit


def orthogonality_penalty(vectors: Vectors, chosen: Tensor) -> Scalar:
    """Mean squared cosine between any two chosen codes, in [0, 1).

    ``|E E^T - I|^2 / k^2`` over the k chosen codes; an unused code gets no gradient and
    keeps its vector. ``E E^T`` and the much smaller ``E^T E`` have the same norm, so no
    (k, k) matrix is made. Source: Shin et al. 2021,
    https://arxiv.org/abs/2112.00384.

    Args:
        vectors: (num_embeddings, embedding_dim).
        chosen: (num_embeddings,) bool.

    >>> book = ops.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> apart = orthogonality_penalty(book, ops.array([True, True, False]))
    >>> float(ops.convert_to_numpy(apart))
    0.0
    """
    directions = unit(vectors) * ops.cast(chosen, "float32")[:, None]
    count = ops.sum(ops.square(directions))
    gram = ops.matmul(ops.transpose(directions), directions)
    known = ops.stop_gradient(ops.maximum(count, 1.0))
    # Without the cosine of 1 of each code with itself.
    return ops.sum(ops.square(gram)) / known**2 - ops.stop_gradient(count) / known**2
