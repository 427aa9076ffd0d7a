"""How the gradient of the decoder gets past the choice of a code.

A choice has no derivative, so each of these gives the code and states another gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from keras import ops

from vqfw.kinds.tensors import Tensor, Vectors
from vqfw_quantizers.directions import unit

GradientEstimator: TypeAlias = Literal["straight_through", "rotation"]


def straight_through(latents: Tensor, codes: Tensor) -> Tensor:
    """The codes; their gradient reaches the latents as it is.

    Source: van den Oord et al. 2017, section 3.2, https://arxiv.org/abs/1711.00937.

    Args:
        latents: (..., embedding_dim) float32.
        codes: of the same shape; no gradient goes to them.

    >>> codes = straight_through(ops.array([[1.0, 2.0]]), ops.array([[2.0, 2.0]]))
    >>> ops.convert_to_numpy(codes).tolist()
    [[2.0, 2.0]]
    """
    return latents + ops.stop_gradient(codes - latents)


def rotation(latents: Tensor, codes: Tensor) -> Tensor:
    """The codes; their gradient is turned and scaled as each code is from its latent.

    ``e = lambda R z`` with ``R = I - 2 w w^T + 2 e' z'^T``, where ``z'`` and ``e'`` are
    the directions of latent and code, ``w`` that of their sum, ``lambda = |e| / |z|``;
    all three are constants to the gradient, which becomes ``lambda R^T g``. Where either
    is zero there is nothing to turn, and the gradient goes straight through. Source:
    Fifty et al. 2024, section 4, https://arxiv.org/abs/2410.06424.

    Args:
        latents: (..., embedding_dim) float32.
        codes: of the same shape; no gradient goes to them.

    >>> codes = rotation(ops.array([[0.0, 2.0]]), ops.array([[3.0, 0.0]]))
    >>> ops.convert_to_numpy(codes).tolist()
    [[3.0, 0.0]]
    """
    codes = ops.stop_gradient(codes)
    fixed = ops.stop_gradient(latents)
    start, end = unit(fixed), unit(codes)
    middle = unit(start + end)
    defined = ops.any(start != 0, -1, True) & ops.any(end != 0, -1, True)
    length = ops.where(defined, _norm(fixed), 1.0)
    turned = (
        latents - 2 * _dot(middle, latents) * middle + 2 * _dot(start, latents) * end
    )
    turned = ops.where(defined, _norm(codes) / length * turned, latents)
    # The same number, without the rounding of the way there.
    return straight_through(turned, codes)


def through_softmax(codes: Tensor, shares: Tensor, vectors: Vectors) -> Tensor:
    """The codes; their gradient reaches the latents by a softmax over the whole book.

    The value and the gradient of a one-hot row that was made straight-through,
    ``(one_hot + p - sg(p)) @ vectors``, without that row: (n, num_embeddings) is the
    largest tensor there is.

    Args:
        codes: (n, embedding_dim) rows of ``vectors``, looked up with their gradient.
        shares: (n, num_embeddings) the softmax ``p``.
        vectors: (num_embeddings, embedding_dim).
    """
    mixed = ops.matmul(shares, ops.stop_gradient(vectors))
    return codes + (mixed - ops.stop_gradient(mixed))


ESTIMATORS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "straight_through": straight_through,
    "rotation": rotation,
}


def _dot(left: Tensor, right: Tensor) -> Tensor:
    return ops.sum(left * right, axis=-1, keepdims=True)


def _norm(vectors: Tensor) -> Tensor:
    return ops.sqrt(_dot(vectors, vectors))
