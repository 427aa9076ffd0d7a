"""The contract of a metric: a score on held-out images, collected batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple

from numpy.typing import NDArray

from vqfw.kinds.tensors import Floats


class Scored(NamedTuple):
    """A batch to score; NumPy arrays.

    Args:
        original: (batch, height, width, channels) float32 in [0, 1].
        reconstruction: the same shape, float32, clipped to [0, 1].
        tokens: (batch, *positions, num_codebooks) int32, or None.
        vocabulary: the number of codes of each codebook; empty without tokens.
        ids: names of the images.
        groups: the group of each image, such as the person on it.
    """

    original: Floats
    reconstruction: Floats
    tokens: NDArray[Any] | None
    vocabulary: tuple[int, ...]
    ids: tuple[str, ...]
    groups: tuple[str, ...]


class Score(NamedTuple):
    """A score of a metric.

    Args:
        value: the score; None where it does not apply (perplexity of a VAE).
        images: how many were scored.
        interval: 95 % confidence interval of the mean over images; None where the score
            is pooled over the whole split.
    """

    value: float | None
    images: int
    interval: tuple[float, float] | None = None


class Metric(ABC):
    """Collects over a split, then gives one score."""

    vqfw_kind: ClassVar[str] = "metric"

    unit: ClassVar[str] = ""
    """The unit of the value; empty for a plain number."""
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    """Which direction is an improvement."""

    @abstractmethod
    def update(self, scored: Scored) -> None:
        """Adds a batch; batches may differ in size."""

    @abstractmethod
    def result(self) -> Score:
        """The score of all batches since construction; changes nothing."""
