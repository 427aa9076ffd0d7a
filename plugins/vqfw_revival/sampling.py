"""Puts codes on recent latents drawn at random."""

from __future__ import annotations

import numpy as np

from vqfw.kinds.tensors import Floats, Mask


def on_random_latents(
    vectors: Floats, moving: Mask, latents: Floats, rng: np.random.Generator
) -> tuple[Floats, Mask]:
    """Moves codes to latents, no two to the same one.

    Of two equal codes only the first would ever be chosen. So with fewer latents than
    moving codes the rest stay, and so does a code that drew a latent equal to another.

    Args:
        vectors: (num_embeddings, embedding_dim); left as they are.
        moving: (num_embeddings,) bool.
        latents: (n, embedding_dim).
        rng: of the draw.

    Returns:
        The codes with new rows, and which rows are new.
    """
    codes = np.flatnonzero(moving)[: len(latents)]
    revived, mask = vectors.copy(), np.zeros_like(moving)
    drawn = latents[rng.choice(len(latents), len(codes), replace=False)]
    firsts = np.unique(drawn, axis=0, return_index=True)[1]
    revived[codes[firsts]] = drawn[firsts]
    mask[codes[firsts]] = True
    return revived, mask
