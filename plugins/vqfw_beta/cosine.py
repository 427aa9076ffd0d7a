"""A commitment weight that goes from one value to another along half a cosine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from keras import ops

from vqfw.errors import Problem
from vqfw.kinds import BetaScheduler, Context, Steps, Usage, Weight
from vqfw.kinds.tensors import Scalar, Tensor
from vqfw_beta.ramp import progress, unfinished


class Cosine(BetaScheduler):
    """Moves the commitment weight from ``start`` to ``end``, slowly at both ends.

    ``start + (end - start) * (1 - cos(pi * step / steps)) / 2``, then ``end``. Source: one
    period of Loshchilov and Hutter 2017, eq. 5, https://arxiv.org/abs/1608.03983.

    >>> half_way = Cosine(start=0.1, end=0.5, steps=100)(50, None, None)
    >>> round(float(half_way), 4)
    0.3

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
        risen = 0.5 * (1.0 - ops.cos(math.pi * progress(step, self.steps)))
        return self.start + (self.end - self.start) * risen

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Warns of a ramp that training does not reach the end of."""
        return unfinished(options, context)
