"""A commitment weight that rises from zero."""

from __future__ import annotations

from vqfw.kinds import BetaScheduler, Steps, Usage, Weight
from vqfw.kinds.tensors import Scalar, Tensor
from vqfw_beta.ramp import longer_than_training, progress


class Warmup(BetaScheduler):
    """Raises the commitment weight from 0 to its value in a straight line.

    ``value * min(step / steps, 1)``. Source: Bowman et al. 2016, section 3.1, who warm up
    the weight of the KL term, https://arxiv.org/abs/1511.06349.

    >>> round(float(Warmup(value=0.25, steps=100)(20, None, None)), 4)
    0.05

    Args:
        value: The weight from step ``steps`` on.
        steps: Optimizer steps until the weight is ``value``.
    """

    def __init__(self, value: Weight = 0.25, steps: Steps = 500) -> None:
        self.value = value
        self.steps = steps

    @property
    def initial(self) -> float:
        return 0.0

    def __call__(self, step: Tensor, usage: Usage, previous: Scalar) -> Scalar:
        return self.value * progress(step, self.steps)

    check = staticmethod(longer_than_training)
