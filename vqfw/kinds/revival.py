"""The contract of a revival strategy: a pure function on the vectors of one codebook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from vqfw.kinds.tensors import Floats, Mask
from vqfw.kinds.usage import Usage


class Revival(ABC):
    """Replaces unused codes by vectors near recent latents.

    The engine calls it every ``interval`` steps, between two optimizer steps, and then
    resets the state of the revived rows: usage and age, sums and counts, the optimizer's
    moments and the average of the weights. A strategy keeps no state; it may use NumPy and
    scikit-learn.
    """

    vqfw_kind: ClassVar[str] = "revival"

    @abstractmethod
    def revive(
        self, vectors: Floats, usage: Usage, latents: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Mask]:
        """Chooses the codes to replace, and their new vectors.

        Args:
            vectors: (num_embeddings, embedding_dim) the codes; not to be changed.
            usage: of these codes; its counts and ages are NumPy arrays.
            latents: (n, embedding_dim) recent latents in the space of the codes; n >= 1.
            rng: the only source of randomness.

        Returns:
            The codes with new rows, and (num_embeddings,) bool: which rows are new.
        """
