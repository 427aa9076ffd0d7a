"""Revival on k-means centres of recent latents that are far from all codes in use."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from vqfw.kinds import Count, Revival, Share, Usage
from vqfw.kinds.tensors import Floats, Mask
from vqfw_revival.distance import squared_error


class KMeansReseed(Revival):
    """Puts unused codes on the k-means centres of latents farthest from codes in use.

    There are as many clusters as codes, or as distinct latents where these are fewer. A
    centre is a mean, so unlike a single latent it is no outlier. No code goes to a centre
    with an error of 0. Source: k-means over recent latents as in Lancucki et al. 2020,
    https://arxiv.org/abs/2005.08520, who replace the whole book; here codes in use stay.

    >>> book = np.array([[0.0], [50.0]], "float32")
    >>> usage = Usage(np.array([1.0, 0.0], "float32"))
    >>> latents = np.array([[0.1], [-0.1], [4.0], [6.0]], "float32")
    >>> rng = np.random.default_rng(0)
    >>> found, _ = KMeansReseed().revive(book, usage, latents, rng)
    >>> found.tolist()
    [[0.0], [5.0]]

    Args:
        iterations: Most iterations of k-means; its first centres are random latents.
        dead_below: A code is unused when it takes less than this fraction of uniform use.
    """

    def __init__(self, iterations: Count = 10, dead_below: Share = 0.1) -> None:
        self.iterations = iterations
        self.dead_below = dead_below

    def revive(
        self, vectors: Floats, usage: Usage, latents: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Mask]:
        dead = np.asarray(usage.dead(self.dead_below))
        revived, mask = vectors.copy(), np.zeros_like(dead)
        if not dead.any():
            return revived, mask
        centres = self._centres(latents, len(vectors), rng)
        error = squared_error(centres, vectors, dead)
        # k-means rounds: even the centre of a single latent has a small error.
        no_error = 1e-12 * np.square(centres).sum(axis=1).max()
        farthest = np.argsort(-error, kind="stable")[
            : np.count_nonzero(error > no_error)
        ]
        codes = np.flatnonzero(dead)[: len(farthest)]
        revived[codes] = centres[farthest[: len(codes)]]
        mask[codes] = True
        return revived, mask

    def _centres(self, latents: Floats, most: int, rng: np.random.Generator) -> Floats:
        """(k, embedding_dim) float32, all different, with k at most ``most``."""
        distinct = len(np.unique(latents, axis=0))
        search = KMeans(
            min(most, distinct),
            init="random",
            n_init=1,
            max_iter=self.iterations,
            random_state=int(rng.integers(1 << 31)),
        )
        # With several threads the order of sums, and so their rounding, would vary.
        with threadpool_limits(1), warnings.catch_warnings():
            # First centres may be equal latents; then clusters are fewer.
            warnings.simplefilter("ignore", ConvergenceWarning)
            centres: Floats = search.fit(latents).cluster_centers_.astype("float32")
        return np.unique(centres, axis=0)
