"""The base of weights that move from one value to another in a number of steps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from keras import ops

from vqfw.errors import Problem
from vqfw.kinds import BetaScheduler, Context, Steps, Usage, Weight
from vqfw.kinds.tensors import Scalar, Tensor


def progress(step: Tensor, steps: int) -> Scalar:
    """The share of the steps of a ramp that is done, in [0, 1].

    Args:
        step: () int32, optimizer steps done.
        steps: of the ramp.
    """
    return ops.minimum(ops.cast(step, "float32") / steps, 1.0)


def longer_than_training(
    options: Mapping[str, Any], context: Context
) -> Sequence[Problem]:
    """Warns of a ramp that is longer than the training."""
    if context.steps is None or options["steps"] <= context.steps:
        return ()
    return [
        Problem(
            "schedule-outlasts-training",
            f"the ramp takes {options['steps']} steps, training only {context.steps}",
            ("steps",),
            help=f'set "steps" to at most {context.steps}',
            severity="warning",
        )
    ]


class Ramp(BetaScheduler):
    """Goes from ``start`` to ``end`` in a number of steps, then holds it; abstract."""

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
        share = self.shape(progress(step, self.steps))
        return self.start + (self.end - self.start) * share

    @abstractmethod
    def shape(self, progress: Scalar) -> Scalar:
        """The share of the change after a share of the steps, both in [0, 1]."""

    check = staticmethod(longer_than_training)
