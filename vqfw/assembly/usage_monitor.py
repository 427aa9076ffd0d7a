"""Counts how often each code was used lately, as state of the compiled training step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from vqfw.kinds.tensors import Tokens
from vqfw.kinds.usage import MovingHistogram, Usage, decay_of, images_since


class UsageMonitor(keras.layers.Layer):
    """Moving histograms of the tokens, one a codebook, debiased when read.

    Args:
        vocabulary: the number of codes of each codebook.
        half_life: in images.
        batch_size: images a step.
    """

    def __init__(
        self, vocabulary: Sequence[int], half_life: float, batch_size: int
    ) -> None:
        super().__init__(name="usage", dtype="float32")
        self.decay = decay_of(half_life, batch_size)
        sizes = list(enumerate(vocabulary))
        self.shares = [self._state((size,), f"shares_{i}") for i, size in sizes]
        self.ages = [self._state((size,), f"ages_{i}") for i, size in sizes]
        self.mass = self._state((), "mass")
        self.built = True

    def add(self, tokens: Tokens) -> None:
        """Counts the tokens of a step: (batch, *positions, num_codebooks)."""
        for i, (shares, age) in enumerate(zip(self.shares, self.ages, strict=True)):
            chosen = tokens[..., i]
            moved = MovingHistogram(shares, self.mass).moved(chosen, self.decay)
            shares.assign(moved.shares)
            age.assign(images_since(chosen, shares.shape[0], age))
        # One mass for all books. It is assigned after the last one: on TensorFlow and torch
        # a tensor taken of it before would change too.
        self.mass.assign(moved.mass)

    def usage(self, codebook: int) -> Usage:
        """Usage of one codebook, in backend tensors."""
        return MovingHistogram(self.shares[codebook], self.mass).usage

    def least_used(self) -> Usage:
        """Usage of the codebook with the smallest share of active codes."""
        usages = [self.usage(i) for i in range(len(self.shares))]
        if len(usages) == 1:
            return usages[0]
        least = ops.argmin(ops.stack([usage.share_active for usage in usages]))
        width = max(usage.num_embeddings for usage in usages)
        rows = [ops.pad(u.counts, (0, width - u.num_embeddings)) for u in usages]
        sizes = ops.convert_to_tensor([u.num_embeddings for u in usages], "float32")
        return Usage(ops.take(ops.stack(rows), least, axis=0), ops.take(sizes, least))

    def on_host(self, codebook: int) -> Usage:
        """Usage of one codebook, in NumPy, with the age of each code."""
        counts = ops.convert_to_numpy(self.usage(codebook).counts)
        return Usage(counts, age=ops.convert_to_numpy(self.ages[codebook]))

    def reset(self, codebook: int, mask: Any, share: float) -> None:
        """Sets the masked codes of a codebook to a share of the tokens and age 0."""
        shares = ops.convert_to_numpy(self.shares[codebook]).copy()
        shares[mask] = share * float(ops.convert_to_numpy(self.mass))
        self.shares[codebook].assign(shares)
        ages = ops.convert_to_numpy(self.ages[codebook])
        self.ages[codebook].assign(np.where(mask, 0, ages))

    def forget(self) -> None:
        """Starts counting anew, where the codes were replaced."""
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape))

    def _state(self, shape: tuple[int, ...], name: str) -> Any:
        return self.add_weight(
            shape=shape, initializer="zeros", trainable=False, name=name
        )
