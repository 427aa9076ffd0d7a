"""Vectors of length one."""

from __future__ import annotations

from keras import ops

from vqfw.kinds.tensors import Tensor

# A shorter vector has no direction in float32.
SHORTEST = 1e-12


def unit(vectors: Tensor) -> Tensor:
    """Scales vectors to length one; a zero vector stays zero and passes no gradient.

    Args:
        vectors: (..., embedding_dim) float32; NumPy's as well.

    >>> import numpy as np
    >>> ops.convert_to_numpy(unit(np.array([[0.0, 2.0], [0.0, 0.0]]))).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    vectors = ops.convert_to_tensor(vectors, "float32")
    squares = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    known = squares > SHORTEST**2
    # Inside too: the branch not taken would still give an infinite gradient.
    return ops.where(known, vectors * ops.rsqrt(ops.where(known, squares, 1.0)), 0.0)
