"""Measures where latents and codes lie; a diagnosis of the codebook reads these numbers.

Losses and usage show that a codebook collapsed; positions of latents and codes show why. The
quantizer's recent latents are measured on the host, in a few milliseconds.
"""

from __future__ import annotations

import keras
import numpy as np

from vqfw.assembly.autoencoder import Autoencoder
from vqfw.kinds.codebook import nearest
from vqfw.kinds.tensors import Floats

EVERY = 50  # steps between two measurements; the first is when the codes were placed
_LATENTS, _CODES = 1024, 4096  # at most: the mean of 1,024 latents is off by 3 %
_DISTANCES = 1 << 24  # at most: with 65,536 codes, those to 256 latents


def geometry_after(step: int, autoencoder: Autoencoder) -> dict[str, float]:
    """Measures the least used codebook, every 50 steps.

    Args:
        step: optimizer steps done.
        autoencoder: as it is after that step.

    Returns:
        The numbers of ``geometry_of``, with the index of the ``book``, how many ``books``
        there are, its ``codes`` and the ``tokens`` of a step; empty at other steps, and
        without a codebook.
    """
    quantizer = autoencoder.model.codebook_quantizer
    # During a warm-up the codes are not placed yet.
    if quantizer is None or step <= quantizer.warm_up:
        return {}
    if step % EVERY and step != quantizer.warm_up + 1:
        return {}
    used = [
        float(autoencoder.monitor.usage(i).share_active)
        for i in range(len(quantizer.codebooks))
    ]
    least = int(np.argmin(used))
    book = quantizer.codebooks[least]
    latents, vectors = book.recent_latents, book.vectors
    if not len(latents):
        return {}
    sizes = {
        "book": least,
        "books": len(used),
        "codes": len(vectors),
        "tokens": autoencoder.tokens_a_step,
    }
    return {**sizes, **geometry_of(latents, vectors)}


def geometry_of(latents: Floats, vectors: Floats) -> dict[str, float]:
    """Measures a cloud of latents and the codes that should cover it.

    Args:
        latents: (n, embedding_dim), newest first, n >= 1.
        vectors: (num_embeddings, embedding_dim).

    Returns:
        ``latent_offset``: distance of the mean latent from the origin;
        ``latent_spread``: root mean square distance of the latents from their mean;
        ``code_spread``: the same of the codes;
        ``code_offset``: distance of the mean code from the mean latent;
        ``relative_error``: mean squared quantization error over the variance of the
        latents: 0 where codes hit all latents, 1 where one code at their mean would do;
        ``distinct_codes``: share of the codes that are left when duplicates are removed,
        to a ten-thousandth of the largest number in the book.
    """
    latents = latents[:_LATENTS]
    some = latents[: max(1, _DISTANCES // len(vectors))]
    chosen = keras.ops.convert_to_numpy(nearest(some, vectors))
    error = np.square(some - vectors[chosen]).sum(axis=1).mean()
    centre, middle = latents.mean(axis=0), vectors.mean(axis=0)
    spread = _spread(latents)
    return {
        "latent_offset": float(np.linalg.norm(centre)),
        "latent_spread": spread,
        "code_spread": _spread(vectors),
        "code_offset": float(np.linalg.norm(middle - centre)),
        "relative_error": float(error / max(spread**2, 1e-12)),
        "distinct_codes": _distinct(vectors[:_CODES]),
    }


def _spread(points: Floats) -> float:
    apart = np.square(points - points.mean(axis=0)).sum(axis=1)
    return float(np.sqrt(apart.mean()))


def _distinct(vectors: Floats) -> float:
    grain = max(1e-4 * float(np.abs(vectors).max()), 1e-30)
    grid = np.round(vectors / grain).astype("int32")
    return len({row.tobytes() for row in grid}) / len(vectors)
