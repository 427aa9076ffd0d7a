"""A commitment weight that follows the share of the codebook in use."""

from __future__ import annotations

from keras import ops

from vqfw.kinds import BetaScheduler, Positive, Usage, Weight
from vqfw.kinds.tensors import Scalar, Tensor


class UsageAdaptive(BetaScheduler):
    """Raises the commitment weight with the share of codes in use.

    The weight approaches ``lowest + (highest - lowest) * share_active``: a low weight lets
    the encoder spread its latents while few codes are in use. Usage is debiased and does
    not depend on the batch size.

    Args:
        lowest: The weight when no code is in use.
        highest: The weight when all codes are in use.
        half_life: Steps in which the weight gets halfway to that value.
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
