"""Revival by splitting: an unused code takes half of the latents of the most used one."""

from __future__ import annotations

import heapq
from typing import Annotated

import numpy as np

from vqfw.kinds import Range, Revival, Share, Usage
from vqfw.kinds.tensors import Floats, Mask


class SplitMostUsed(Revival):
    """Puts each unused code beside the most used one, and counts each half as used half.

    One code after the other is split, so that a code with half of all latents is split
    many times, and so are its halves. The split code keeps its vector and its statistics.
    Source:
    Kolesnikov et al. 2022 (UViM), https://arxiv.org/abs/2205.10337, after
    ``split_the_most_frequent_embedding`` in
    https://github.com/google-research/big_vision/blob/main/big_vision/models/proj/uvim/vit.py;
    there a code is unused below a count of 0.1.

    >>> book = np.array([[1.0], [2.0], [50.0]], "float32")
    >>> usage = Usage(np.array([0.3, 0.7, 0.0], "float32"))
    >>> rng = np.random.default_rng(0)
    >>> found, mask = SplitMostUsed().revive(book, usage, book, rng)
    >>> found.round(1).tolist(), mask.tolist()
    ([[1.0], [2.0], [2.0]], [False, False, True])

    Args:
        jitter: Each number of the copy is multiplied by a factor drawn evenly from
            1 minus this to 1 plus this; 0.001 in UViM. A code of zeros is not split.
        dead_below: A code is unused when it takes less than this fraction of uniform use.
    """

    def __init__(
        self,
        jitter: Annotated[float, Range(above=0, maximum=1)] = 0.001,
        dead_below: Share = 0.1,
    ) -> None:
        self.jitter = jitter
        self.dead_below = dead_below

    def revive(
        self, vectors: Floats, usage: Usage, latents: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Mask]:
        dead = np.asarray(usage.dead(self.dead_below))
        revived, mask = vectors.copy(), np.zeros_like(dead)
        if dead.all():
            return revived, mask
        # A heap gives the smallest first, so its shares are negative.
        most_used = [(-float(usage.counts[i]), int(i)) for i in np.flatnonzero(~dead)]
        heapq.heapify(most_used)
        for code in np.flatnonzero(dead):
            share, parent = most_used[0]
            heapq.heapreplace(most_used, (share / 2, parent))
            factor = rng.uniform(1 - self.jitter, 1 + self.jitter, vectors.shape[1])
            revived[code] = revived[parent] * factor
            mask[code] = (revived[code] != revived[parent]).any()
            if mask[code]:
                heapq.heappush(most_used, (share / 2, int(code)))
        return np.where(mask[:, None], revived, vectors), mask
