"""The option ``initialization``: places the codes of a new book on latents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus
from threadpoolctl import threadpool_limits

from vqfw.kinds.tensors import Floats

Initialization: TypeAlias = Literal["kmeans", "kmeans_plus_plus", "random"]

# Lloyd's iterations; training moves the codes on, so few are enough.
ITERATIONS = 10
# Latents that k-means takes at most: 32 a code for a book of 512.
MOST_LATENTS = 16_384
# For a larger book k-means begins with random latents, 2 a code: k-means++ reads all
# latents for each code, and would take minutes where Lloyd's iterations take seconds.
LARGEST_BOOK_IN_FULL = 1024
# Multiplications of latents and codes in all iterations for such a book.
MOST_PRODUCTS = 2**36


def kmeans(latents: Floats, num_embeddings: int, seed: int) -> Floats:
    """Places codes on the k-means centres of latents.

    A book of more than 1,024 codes gets fewer iterations, so that it takes seconds.

    Args:
        latents: (n, *positions, embedding_dim), at least one. With fewer latents than
            codes, codes share a latent, a hundredth of the spread apart.
        num_embeddings: codes.
        seed: of the sample of latents and of the first centres (k-means++).

    Returns:
        (num_embeddings, embedding_dim) float32.
    """
    large = num_embeddings > LARGEST_BOOK_IN_FULL
    sample = _sample(latents, (2 if large else 1) * num_embeddings, seed)
    distinct = np.unique(sample, axis=0)
    if len(distinct) <= num_embeddings:
        return _repeated(distinct, num_embeddings, seed)
    most = MOST_PRODUCTS // (sample.size * num_embeddings)
    search = KMeans(
        num_embeddings,
        init="random" if large else "k-means++",
        n_init=1,
        max_iter=int(np.clip(most, 1, ITERATIONS)) if large else ITERATIONS,
        random_state=seed,
    )
    # With several threads the order of sums, and so their rounding, would vary.
    with threadpool_limits(1):
        centres: Floats = search.fit(sample).cluster_centers_.astype("float32")
    return centres


def kmeans_plus_plus(latents: Floats, num_embeddings: int, seed: int) -> Floats:
    """Places codes on latents that are far from each other, outliers among them.

    Source: Arthur and Vassilvitskii 2007, section 2.2,
    https://dl.acm.org/doi/10.5555/1283383.1283494.

    Arguments and result are those of ``kmeans``.
    """
    sample = np.unique(_sample(latents, num_embeddings, seed), axis=0)
    if len(sample) <= num_embeddings:
        return _repeated(sample, num_embeddings, seed)
    # Each further candidate a code would read all latents once more.
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
    """A random sample (n, embedding_dim) of the latents, all where they are few."""
    latents = latents.reshape(-1, latents.shape[-1])
    most = max(MOST_LATENTS, at_least)
    if len(latents) > most:
        rng = np.random.default_rng(seed)
        return latents[rng.choice(len(latents), most, replace=False)]
    return latents


def _repeated(distinct: Floats, num_embeddings: int, seed: int) -> Floats:
    """Codes on latents that are too few: several a latent, with a little noise."""
    repeated = distinct[np.arange(num_embeddings) % len(distinct)]
    # Where latents have no spread, a hundredth of their size, which survives rounding.
    spread = np.maximum(distinct.std(axis=0), 0.01 * np.abs(distinct).max() + 1e-6)
    noise = np.random.default_rng([seed, 1]).normal(size=repeated.shape)
    codes: Floats = (repeated + 0.01 * spread * noise).astype("float32")
    return codes
