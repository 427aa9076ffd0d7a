"""The quantization error of latents without the codes that are replaced."""

from __future__ import annotations

import keras
import numpy as np

from vqfw.kinds import nearest
from vqfw.kinds.tensors import Floats, Mask


def squared_error(latents: Floats, vectors: Floats, dead: Mask) -> Floats:
    """Squared distance of each latent to the nearest code that is not dead.

    Args:
        latents: (n, embedding_dim).
        vectors: (num_embeddings, embedding_dim).
        dead: (num_embeddings,) bool: codes that are left out. Where all are dead, the
            distance is to the mean of the latents.

    Returns:
        (n,) float64.

    >>> import numpy as np
    >>> book = np.array([[0.0], [9.0]], "float32")
    >>> dead = np.array([False, True])
    >>> squared_error(np.array([[1.0], [8.0]], "float32"), book, dead).tolist()
    [1.0, 64.0]
    """
    mean = latents.mean(axis=0, keepdims=True)
    alive = mean if dead.all() else vectors[~dead]
    tokens = keras.ops.convert_to_numpy(nearest(latents, alive))
    residuals = latents.astype("float64") - alive[tokens]
    error: Floats = np.square(residuals).sum(axis=1)
    return error
