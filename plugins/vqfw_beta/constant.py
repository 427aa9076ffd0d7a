"""A constant commitment weight."""

from __future__ import annotations

from keras import ops

from vqfw.kinds import BetaScheduler, Usage, Weight
from vqfw.kinds.tensors import Scalar, Tensor


class Constant(BetaScheduler):
    """Gives the commitment loss the same weight at every step.

    Source of the default: van den Oord et al. 2017, section 3.2,
    https://arxiv.org/abs/1711.00937.

    Args:
        value: The weight.
    """

    def __init__(self, value: Weight = 0.25) -> None:
        self.value = value

    @property
    def initial(self) -> float:
        return self.value

    def __call__(self, step: Tensor, usage: Usage, previous: Scalar) -> Scalar:
        return ops.convert_to_tensor(self.value, "float32")
