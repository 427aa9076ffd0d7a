"""A commitment weight that follows how much of the codebook is in use."""

from __future__ import annotations

from keras import ops

from vqfw.kinds import BetaScheduler, Positive, Usage, Weight
from vqfw.kinds.tensors import Scalar, Tensor


class UsageAdaptive(BetaScheduler):
    """Commits the encoder only as far as the codebook has come to life.

    The target is ``lowest + (highest - lowest) * share_active``, approached with a given
    half-life: while few codes are in use the encoder stays free to spread its latents,
    and once all are, it is held to them. Usage is debiased and does not depend on the
    batch size.

    Args:
        lowest: The weight when no code is in use.
        highest: The weight when all are.
        half_life: Steps in which half of the way to the target is made.
    """

    def __init__(
        self,
        lowest: Weight = 0.05,
        highest: Weight = 0.25,
        half_life: Positive = 50.0,
    ) -> None:
        self.lowest = lowest
        self.highest = highest
        self.keep = 0.5 ** (1 / half_life)

    @property
    def initial(self) -> float:
        return self.lowest

    def __call__(self, step: Tensor, usage: Usage, previous: Scalar) -> Scalar:
        target = self.lowest + (self.highest - self.lowest) * usage.share_active
        return ops.cast(self.keep * previous + (1 - self.keep) * target, "float32")
