"""Revival by copies: an unused code becomes a slightly moved copy of a busy one."""

from __future__ import annotations

from typing import Annotated

import keras
import numpy as np

from vqfw.kinds import Range, Revival, Share, Usage, nearest
from vqfw.kinds.tensors import Floats, Mask
from vqfw_revival.sampling import on_random_latents


class PerturbActive(Revival):
    """Puts unused codes beside active ones, so that they share their latents.

    A recent latent is drawn for each; the active code nearest to it is copied, so that
    codes are copied in proportion to their use, and the copy is moved a little towards
    the latent. Copies then lie where the latents of a code lie. Equal noise in every
    dimension would take them off: latents of 64 dimensions vary in a handful.

    No two copies go towards one latent, and none towards a latent that lies on its code;
    the unused codes that are left over wait for the next time.

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
