"""The way from one weight to another in a number of steps, whatever its shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras import ops

from vqfw.errors import Problem
from vqfw.kinds import Context
from vqfw.kinds.tensors import Scalar, Tensor


def progress(step: Tensor, steps: int) -> Scalar:
    """Share of a ramp that is done, in [0, 1], 1 from its last step on.

    Args:
        step: () int32, optimizer steps done.
        steps: of the ramp.
    """
    return ops.minimum(ops.cast(step, "float32") / steps, 1.0)


def unfinished(options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
    """Warns of a ramp that training does not reach the end of."""
    if context.steps is None or options["steps"] <= context.steps:
        return ()
    return [
        Problem(
            "never-reached",
            f"the ramp of beta takes {options['steps']} steps, training only "
            f"{context.steps}",
            ("steps",),
            help=f'set "steps" to at most {context.steps}',
            severity="warning",
        )
    ]
