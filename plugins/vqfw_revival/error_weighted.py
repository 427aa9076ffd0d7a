"""Revival on latents drawn in proportion to their quantization error."""

from __future__ import annotations

import numpy as np

from vqfw.kinds import Revival, Share, Usage
from vqfw.kinds.tensors import Floats, Mask
from vqfw_revival.distance import squared_error


class ErrorWeighted(Revival):
    """Puts unused codes on recent latents, drawn in proportion to their squared error.

    Each region gets codes in proportion to its part of the total error. No two codes get
    the same latent, and none a latent with an error of 0. Source: the draw of k-means++,
    Arthur and Vassilvitskii 2007, section 2.2,
    https://dl.acm.org/doi/10.5555/1283383.1283494, here for all codes at once.

    >>> book = np.array([[0.0], [50.0]], "float32")
    >>> usage = Usage(np.array([1.0, 0.0], "float32"))
    >>> latents = np.array([[0.0], [3.0], [0.0]], "float32")
    >>> found, _ = ErrorWeighted().revive(
    ...     book, usage, latents, np.random.default_rng(0)
    ... )
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
        distinct, times = np.unique(latents, axis=0, return_counts=True)
        error = times * squared_error(distinct, vectors, dead)
        codes = np.flatnonzero(dead)[: np.count_nonzero(error)]
        revived, mask = vectors.copy(), np.zeros_like(dead)
        if len(codes):
            share = error / error.sum()
            rows = rng.choice(len(distinct), len(codes), replace=False, p=share)
            revived[codes] = distinct[rows]
            mask[codes] = True
        return revived, mask
