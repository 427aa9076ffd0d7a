import numpy as np

from vqfw.kinds import Revival, Share


class Template(Revival):
    """Puts each unused code on a recent latent, drawn at random.

    Args:
        dead_below: A code is unused when it takes less than this fraction of uniform use.
    """

    def __init__(self, dead_below: Share = 0.1) -> None:
        self.dead_below = dead_below

    def revive(self, vectors, usage, latents, rng):
        dead = np.asarray(usage.dead(self.dead_below))
        revived = vectors.copy()
        revived[dead] = latents[rng.integers(len(latents), size=dead.sum())]
        return revived, dead
