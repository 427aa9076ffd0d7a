"""A commitment weight that controls the perplexity of the codebook."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from keras import ops

from vqfw.errors import Problem
from vqfw.kinds import BetaScheduler, Context, Positive, Range, Usage
from vqfw.kinds.tensors import Scalar, Tensor


class TargetPerplexity(BetaScheduler):
    """Holds the perplexity at a share of the codebook by lowering or raising the weight.

    A perplexity below the target lowers the weight, so that the encoder can spread its
    latents; one above raises it. It is an integral control of the logarithm of the weight:
    ``log beta += (log 2 / half_life) * clip(perplexity / (target * K) - 1, -1, 1)``, at
    most a factor of two in a half-life. The integrator is the bounded weight, so it does
    not wind up at a bound. Before the first batch the weight stays. Perplexity is debiased
    and does not depend on the batch size.

    Source: the control of a KL weight in Shao et al. 2020 (ControlVAE),
    https://arxiv.org/abs/2004.05988, without the proportional term.

    Args:
        target: Perplexity to hold, as a share of the number of codes.
        start: The weight at step 0.
        lowest: The weight never falls below this.
        highest: The weight never rises above this.
        half_life: Steps in which the weight halves while almost no code is in use.
    """

    def __init__(
        self,
        target: Annotated[float, Range(above=0, maximum=1)] = 0.8,
        start: Positive = 0.25,
        lowest: Positive = 0.01,
        highest: Positive = 1.0,
        half_life: Positive = 100.0,
    ) -> None:
        self.target = target
        self.start = start
        self.lowest = lowest
        self.highest = highest
        self.speed = math.log(2) / half_life

    @property
    def initial(self) -> float:
        return self.start

    def __call__(self, step: Tensor, usage: Usage, previous: Scalar) -> Scalar:
        wanted = ops.cast(self.target * usage.num_embeddings, "float32")
        error = ops.clip(usage.perplexity / wanted - 1.0, -1.0, 1.0)
        any_batch = ops.cast(ops.sum(usage.counts) > 0, "float32")
        weight = previous * ops.exp(any_batch * self.speed * error)
        return ops.cast(ops.clip(weight, self.lowest, self.highest), "float32")

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Refuses a start outside of "lowest" to "highest"."""
        lowest, start, highest = (
            options[name] for name in ("lowest", "start", "highest")
        )
        if lowest <= start <= highest:
            return ()
        return [
            Problem(
                "out-of-range",
                f"it starts at {start:g}, outside of {lowest:g} to {highest:g}",
                ("start",),
                help='set "start" to a value from "lowest" to "highest"',
            )
        ]
