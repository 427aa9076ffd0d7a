"""The option ``warm_up``: optimizer steps before the codes are placed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from vqfw.errors import Problem
from vqfw.kinds import Context, Range

WarmUp: TypeAlias = Annotated[int, Range(minimum=0)]


def warm_up_outlasts_training(
    options: Mapping[str, Any], context: Context
) -> Sequence[Problem]:
    """Reports a warm-up that is as long as the training, or longer."""
    warm_up = options["warm_up"]
    if context.steps is None or warm_up < context.steps:
        return ()
    return [
        Problem(
            "warm-up-outlasts-training",
            f"codes are placed after {warm_up} steps, and training has only "
            f"{context.steps}",
            ("warm_up",),
            help=f'set "warm_up" to {context.steps // 2} or less',
        )
    ]
