"""The base of metrics that score each image: their mean and its confidence interval."""

from __future__ import annotations

import math
from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from vqfw.kinds import Metric, Score, Scored
from vqfw.kinds.tensors import Floats

# Standard errors on each side that hold 95 % of a normal distribution.
NORMAL_95 = 1.959964


class PerImageMetric(Metric):
    """Scores each image; the result is the mean over images; abstract.

    The 95 % confidence interval is ``mean ± 1.96 * standard deviation / sqrt(images)``,
    the normal approximation; it is None for fewer than two images.
    """

    def __init__(self) -> None:
        self._batches: list[NDArray[np.float64]] = []

    @abstractmethod
    def measure(self, original: Floats, reconstruction: Floats) -> NDArray[np.floating]:
        """Scores each image of a batch.

        Args:
            original: (batch, height, width, channels) float32 in [0, 1].
            reconstruction: the same shape, float32 in [0, 1].

        Returns:
            (batch,) scores.
        """

    def update(self, scored: Scored) -> None:
        values = self.measure(scored.original, scored.reconstruction)
        self._batches.append(np.asarray(values, dtype="float64"))

    def result(self) -> Score:
        values = np.concatenate([np.empty(0), *self._batches])
        if not values.size:
            return Score(None, 0)
        mean = float(values.mean())
        if values.size == 1:
            return Score(mean, 1)
        half = NORMAL_95 * float(values.std(ddof=1)) / math.sqrt(values.size)
        return Score(mean, values.size, (mean - half, mean + half))
