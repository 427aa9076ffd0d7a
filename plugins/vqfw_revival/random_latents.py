"""Revival on recent latents drawn at random."""

from __future__ import annotations

import numpy as np

from vqfw.kinds import Revival, Share, Usage
from vqfw.kinds.tensors import Floats, Mask
from vqfw_revival.sampling import on_random_latents


class RandomLatents(Revival):
    """Puts each unused code on a latent drawn at random from the recent ones.

    Source: Zeghidour et al. 2021 (SoundStream), section III-C,
    https://arxiv.org/abs/2107.03312.

    Args:
        dead_below: A code is unused when it takes less than this fraction of uniform use.
    """

    def __init__(self, dead_below: Share = 0.1) -> None:
        self.dead_below = dead_below

    def revive(
        self, vectors: Floats, usage: Usage, latents: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Mask]:
        dead = np.asarray(usage.dead(self.dead_below))
        return on_random_latents(vectors, dead, latents, rng)
