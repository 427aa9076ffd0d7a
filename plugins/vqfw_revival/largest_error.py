"""Revival on the latents with the largest quantization error."""

from __future__ import annotations

import numpy as np

from vqfw.kinds import Revival, Share, Usage
from vqfw.kinds.tensors import Floats, Mask
from vqfw_revival.distance import squared_error


class LargestError(Revival):
    """Puts unused codes on the recent latents with the largest quantization error.

    No two codes get the same latent, and none a latent with an error of 0: with fewer
    latents than unused codes, some codes stay. Outliers come first; ``error_weighted``
    takes them in proportion to their error. Source: the farthest
    point as the next centre, Gonzalez 1985, https://doi.org/10.1016/0304-3975(85)90224-5,
    here for all codes at once.

    >>> book = np.array([[0.0], [50.0]], "float32")
    >>> usage = Usage(np.array([1.0, 0.0], "float32"))
    >>> latents = np.array([[0.1], [3.0], [-1.0]], "float32")
    >>> found, _ = LargestError().revive(book, usage, latents, np.random.default_rng(0))
    >>> found.tolist()
    [[0.0], [3.0]]

    Args:
        dead_below: A code is unused when it takes less than this fraction of uniform use.
    """

    def __init__(self, dead_below: Share = 0.1) -> None:
        self.dead_below = dead_below

    def revive(
        self, vectors: Floats, usage: Usage, latents: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Mask]:
        dead = np.asarray(usage.dead(self.dead_below))
        distinct = np.unique(latents, axis=0)
        error = squared_error(distinct, vectors, dead)
        worst = np.argsort(-error, kind="stable")[: np.count_nonzero(error)]
        codes = np.flatnonzero(dead)[: len(worst)]
        revived, mask = vectors.copy(), np.zeros_like(dead)
        revived[codes] = distinct[worst[: len(codes)]]
        mask[codes] = True
        return revived, mask
