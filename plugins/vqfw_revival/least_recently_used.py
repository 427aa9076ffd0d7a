"""Revival by age: a code that was not chosen in many images becomes a recent latent."""

from __future__ import annotations

import numpy as np

from vqfw.kinds import Count, Revival, Usage
from vqfw.kinds.tensors import Floats, Mask
from vqfw_revival.sampling import on_random_latents


class LeastRecentlyUsed(Revival):
    """Moves codes that no latent has chosen for many images to latents drawn at random.

    The time since a code was last chosen counts, not how often it was chosen. Source:
    vqtorch, the library of Huh et al. 2023 (https://arxiv.org/abs/2305.08842),
    ``utils/replace.py`` in https://github.com/minyoungg/vqtorch, which counts batches.

    >>> book = np.array([[1.0], [50.0]], "float32")
    >>> usage = Usage(np.array([1.0, 0.0], "float32"), age=np.array([0, 640]))
    >>> rng = np.random.default_rng(0)
    >>> found, _ = LeastRecentlyUsed(images=512).revive(book, usage, book[:1], rng)
    >>> found.tolist()
    [[1.0], [1.0]]

    Args:
        images: A code moves when it was not chosen in this many images since it was last
            chosen or moved.
    """

    def __init__(self, images: Count = 1024) -> None:
        self.images = images

    def revive(
        self, vectors: Floats, usage: Usage, latents: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Mask]:
        old = np.asarray(usage.age) >= self.images
        return on_random_latents(vectors, old, latents, rng)
