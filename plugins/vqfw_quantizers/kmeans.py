"""Places the codes of a fresh book where the first latents are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus
from threadpoolctl import threadpool_limits

from vqfw.kinds.tensors import Floats

Initialization: TypeAlias = Literal["kmeans", "kmeans_plus_plus", "random"]

# Lloyd's iterations; the book goes on moving in training, so a rough start is enough.
ITERATIONS = 10
# Latents that the search looks at; 32 a code for a book of 512.
MOST_LATENTS = 16_384
# A larger book starts its search from random latents, 2 a code: k-means++ looks at all
# latents for each code and takes minutes where Lloyd's iterations take seconds.
LARGEST_BOOK_IN_FULL = 1024
# Multiplications of latents and codes in all iterations of such a search.
MOST_PRODUCTS = 2**36


def kmeans(latents: Floats, num_embeddings: int, seed: int) -> Floats:
    """Finds ``num_embeddings`` centres of a cloud of latents.

    A book of more than 1,024 codes is searched for with fewer iterations, within
    seconds, as long as there are more latents than codes.

    Args:
        latents: (n, *positions, embedding_dim), at least one. Where they are fewer than
            the codes, each serves several, moved apart by a hundredth of the spread.
        num_embeddings: how many centres.
        seed: of the choice of latents and of the first centres (k-means++).

    Returns:
        (num_embeddings, embedding_dim) float32.
    """
    large = num_embeddings > LARGEST_BOOK_IN_FULL
    sample = _sample(latents, (2 if large else 1) * num_embeddings, seed)
    distinct = np.unique(sample, axis=0)
    if len(distinct) <= num_embeddings:
        return _shared_out(distinct, num_embeddings, seed)
    most = MOST_PRODUCTS // (sample.size * num_embeddings)
    search = KMeans(
        num_embeddings,
        init="random" if large else "k-means++",
        n_init=1,
        max_iter=int(np.clip(most, 1, ITERATIONS)) if large else ITERATIONS,
        random_state=seed,
    )
    # Several threads add up in the order in which they are done, and round by it.
    with threadpool_limits(1):
        centres: Floats = search.fit(sample).cluster_centers_.astype("float32")
    return centres


def kmeans_plus_plus(latents: Floats, num_embeddings: int, seed: int) -> Floats:
    """Chooses latents for codes, each far from those before it.

    Codes stand on latents, outliers among them, where ``kmeans`` would move to means.
    Source: Arthur and Vassilvitskii 2007, section 2.2,
    https://dl.acm.org/doi/10.5555/1283383.1283494.

    Args:
        latents: as of ``kmeans``.
        num_embeddings: how many.
        seed: of the choices.

    Returns:
        (num_embeddings, embedding_dim) float32.
    """
    sample = np.unique(_sample(latents, num_embeddings, seed), axis=0)
    if len(sample) <= num_embeddings:
        return _shared_out(sample, num_embeddings, seed)
    # The usual several candidates a code cost as many looks at all latents.
    trials = 1 if num_embeddings > LARGEST_BOOK_IN_FULL else None
    chosen, _ = kmeans_plusplus(
        sample, num_embeddings, random_state=seed, n_local_trials=trials
    )
    centres: Floats = chosen.astype("float32")
    return centres


PLACEMENTS: Mapping[str, Callable[[Floats, int, int], Floats]] = {
    "kmeans": kmeans,
    "kmeans_plus_plus": kmeans_plus_plus,
}


def _sample(latents: Floats, at_least: int, seed: int) -> Floats:
    """(n, embedding_dim): no more latents than the search can look at."""
    latents = latents.reshape(-1, latents.shape[-1])
    most = max(MOST_LATENTS, at_least)
    if len(latents) > most:
        rng = np.random.default_rng(seed)
        return latents[rng.choice(len(latents), most, replace=False)]
    return latents


def _shared_out(distinct: Floats, num_embeddings: int, seed: int) -> Floats:
    """Gives each latent to several codes, a little apart."""
    repeated = distinct[np.arange(num_embeddings) % len(distinct)]
    # Where there is no spread, a hundredth of the size: less is lost to rounding.
    spread = np.maximum(distinct.std(axis=0), 0.01 * np.abs(distinct).max() + 1e-6)
    noise = np.random.default_rng([seed, 1]).normal(size=repeated.shape)
    apart: Floats = (repeated + 0.01 * spread * noise).astype("float32")
    return apart
