"""Revival by copies: an unused code becomes a slightly moved copy of an active one."""

from __future__ import annotations

from typing import Annotated

import keras
import numpy as np

from vqfw.kinds import Range, Revival, Share, Usage, nearest
from vqfw.kinds.tensors import Floats, Mask
from vqfw_revival.sampling import on_random_latents


class PerturbActive(Revival):
    """Puts unused codes beside active ones, so that they share their latents.

    For each, a recent latent is drawn, the active code nearest to it is copied, and the
    copy is moved a little towards the latent. So codes are copied in proportion to their
    use, and copies stay among the latents, where equal noise in all dimensions would take
    them away: latents of 64 dimensions vary in a few. No two copies use one latent, and
    none a latent that equals its code; codes that are left stay as they are.

    Args:
        noise: How far a copy is moved, as a fraction of the way to its latent.
        dead_below: A code is unused when it takes less than this fraction of uniform use.
    """

    def __init__(
        self,
        noise: Annotated[float, Range(above=0, maximum=1)] = 0.3,
        dead_below: Share = 0.1,
    ) -> None:
        self.noise = noise
        self.dead_below = dead_below

    def revive(
        self, vectors: Floats, usage: Usage, latents: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Mask]:
        dead = np.asarray(usage.dead(self.dead_below))
        if not dead.any() or dead.all():
            return vectors, np.zeros_like(dead)
        active = vectors[~dead]
        revived, mask = on_random_latents(vectors, dead, latents, rng)
        drawn = revived[mask]
        copied = active[keras.ops.convert_to_numpy(nearest(drawn, active))]
        revived[mask] = copied + self.noise * (drawn - copied)
        # A copy on its own code would never be chosen.
        mask[mask] = (revived[mask] != copied).any(axis=1)
        return np.where(mask[:, None], revived, vectors), mask
