"""How far latents are from the codes that stay where they are."""

from __future__ import annotations

import keras
import numpy as np

from vqfw.kinds import nearest
from vqfw.kinds.tensors import Floats, Mask


def squared_error(latents: Floats, vectors: Floats, dead: Mask) -> Floats:
    """Squared distance of each latent to the nearest code that is not about to move.

    Args:
        latents: (n, embedding_dim).
        vectors: (num_embeddings, embedding_dim).
        dead: (num_embeddings,) bool: the codes that leave their place. Where all of them
            do, the distance is to the mean of the latents, as if one code stayed there.

    Returns:
        (n,) float64.

    >>> import numpy as np
    >>> book = np.array([[0.0], [9.0]], "float32")
    >>> dead = np.array([False, True])
    >>> squared_error(np.array([[1.0], [8.0]], "float32"), book, dead).tolist()
    [1.0, 64.0]
    """
    mean = latents.mean(axis=0, keepdims=True)
    staying = mean if dead.all() else vectors[~dead]
    chosen = keras.ops.convert_to_numpy(nearest(latents, staying))
    apart = latents.astype("float64") - staying[chosen]
    found: Floats = np.square(apart).sum(axis=1)
    return found
