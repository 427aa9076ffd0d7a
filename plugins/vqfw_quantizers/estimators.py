"""Gradient estimators: how the decoder's gradient reaches the latents.

The choice of a code has no derivative; each function returns the codes with a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from keras import ops

from vqfw.kinds.tensors import Tensor, Vectors
from vqfw_quantizers.directions import unit

GradientEstimator: TypeAlias = Literal["straight_through", "rotation"]


def straight_through(latents: Tensor, codes: Tensor) -> Tensor:
    """Returns the codes; latents get their gradient unchanged.

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
    """Returns the codes; latents get their gradient turned and scaled as code from latent.

    ``e = lambda R z`` with ``R = I - 2 w w^T + 2 e' z'^T``, where ``z'`` and ``e'`` are
    the directions of latent and code, ``w`` that of their sum, ``lambda = |e| / |z|``.
    ``lambda`` and ``R`` are constants, so the gradient ``g`` becomes ``lambda R^T g``;
    where latent or code is zero, it stays ``g``. Source: Fifty et al. 2024, section 4,
    https://arxiv.org/abs/2410.06424.

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
    # ``turned`` equals the codes but for rounding; return the codes themselves.
    return straight_through(turned, codes)


def through_softmax(codes: Tensor, shares: Tensor, vectors: Vectors) -> Tensor:
    """Returns the codes; latents get their gradient through a softmax over the book.

    Value and gradient are those of ``(one_hot + p - sg(p)) @ vectors``, without the one-hot
    matrix: the largest tensor is (n, num_embeddings).

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
