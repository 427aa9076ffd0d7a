"""Revival by copies: an unused code becomes a slightly moved copy of a busy one."""

from __future__ import annotations

import keras
import numpy as np

from vqfw.kinds import Positive, Revival, Share, Usage, nearest
from vqfw.kinds.tensors import Floats, Mask


class PerturbActive(Revival):
    """Puts each unused code beside an active one, so that the two share its latents.

    Active codes are drawn in proportion to their use. The noise is a fraction of the
    spread of the latents around the code that is copied: an absolute amount is either
    lost to rounding or lands where no latent is.

    Args:
        noise: Standard deviation of the noise, as a fraction of the local spread of the
            latents along one dimension.
        dead_below: A code is unused when it takes less than this fraction of uniform use.
    """

    def __init__(self, noise: Positive = 0.3, dead_below: Share = 0.1) -> None:
        self.noise = noise
        self.dead_below = dead_below

    def revive(
        self, vectors: Floats, usage: Usage, latents: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Mask]:
        dead = np.asarray(usage.dead(self.dead_below))
        if not dead.any() or dead.all():
            return vectors, np.zeros_like(dead)
        share = np.where(dead, 0.0, usage.counts).astype("float64")
        parents = rng.choice(len(vectors), size=dead.sum(), p=share / share.sum())
        spread = _local_spread(vectors, latents)[parents, None]
        moved = rng.normal(size=(len(parents), vectors.shape[1])) * self.noise * spread
        revived = vectors.copy()
        revived[dead] = vectors[parents] + moved
        return revived, dead


def _local_spread(vectors: Floats, latents: Floats) -> Floats:
    """Root mean square distance of each code's latents to it, along one dimension.

    Args:
        vectors: (num_embeddings, embedding_dim).
        latents: (n, embedding_dim).

    Returns:
        (num_embeddings,) float64, positive where any latent differs from its code. A
        code with fewer than two latents takes the average of all.
    """
    chosen = keras.ops.convert_to_numpy(nearest(latents, vectors))
    error = np.square(latents - vectors[chosen]).mean(axis=1)
    count = np.bincount(chosen, minlength=len(vectors))
    total = np.bincount(chosen, weights=error, minlength=len(vectors))
    known = np.where(count >= 2, total / np.maximum(count, 1), error.mean())
    return np.sqrt(known)
