"""A commitment weight that goes from one value to another in a straight line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vqfw.errors import Problem
from vqfw.kinds import BetaScheduler, Context, Steps, Usage, Weight
from vqfw.kinds.tensors import Scalar, Tensor
from vqfw_beta.ramp import progress, unfinished


class Linear(BetaScheduler):
    """Moves the commitment weight from ``start`` to ``end`` over ``steps``, then holds it.

    Args:
        start: The weight at step 0.
        end: The weight from step ``steps`` on.
        steps: Optimizer steps between the two.
    """

    def __init__(
        self, start: Weight = 0.05, end: Weight = 0.25, steps: Steps = 1000
    ) -> None:
        self.start = start
        self.end = end
        self.steps = steps

    @property
    def initial(self) -> float:
        return self.start

    def __call__(self, step: Tensor, usage: Usage, previous: Scalar) -> Scalar:
        return self.start + (self.end - self.start) * progress(step, self.steps)

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Warns of a ramp that training does not reach the end of."""
        return unfinished(options, context)
