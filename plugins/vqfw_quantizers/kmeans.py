"""Places the codes of a fresh book where the first latents are."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from vqfw.kinds.tensors import Floats

# Lloyd's iterations; the book goes on moving in training, so a rough start is enough.
ITERATIONS = 10
# Latents that the search looks at; 32 a code for a book of 512.
MOST_LATENTS = 16_384


def kmeans(latents: Floats, num_embeddings: int, seed: int) -> Floats:
    """Finds ``num_embeddings`` centres of a cloud of latents.

    Args:
        latents: (n, embedding_dim), n >= 1. Where n is smaller than the number of codes,
            each latent serves several codes, moved apart by a hundredth of the spread.
        num_embeddings: how many centres.
        seed: of the choice of latents and of the first centres (k-means++).

    Returns:
        (num_embeddings, embedding_dim) float32.
    """
    rng = np.random.default_rng(seed)
    most = max(MOST_LATENTS, num_embeddings)
    if len(latents) > most:
        latents = latents[rng.choice(len(latents), most, replace=False)]
    distinct = np.unique(latents, axis=0)
    if len(distinct) <= num_embeddings:
        repeated = distinct[np.arange(num_embeddings) % len(distinct)]
        # Where there is no spread, a hundredth of the size: less is lost to rounding.
        spread = np.maximum(distinct.std(axis=0), 0.01 * np.abs(distinct).max() + 1e-6)
        jitter = 0.01 * spread * rng.normal(size=repeated.shape)
        apart: Floats = (repeated + jitter).astype("float32")
        return apart
    search = KMeans(num_embeddings, n_init=1, max_iter=ITERATIONS, random_state=seed)
    centres: Floats = search.fit(latents).cluster_centers_.astype("float32")
    return centres
