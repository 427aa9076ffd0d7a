"""Steps before the codes are placed, and why they must end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from vqfw.errors import Problem
from vqfw.kinds import Context

WarmUp: TypeAlias = Annotated[int, {"minimum": 0}]


def endless(options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
    """A problem where training ends before the codes are placed.

    Args:
        options: with ``warm_up``, which a quantizer made from another one may lack.
        context: of the experiment.
    """
    warm_up = options.get("warm_up", 0)
    if context.steps is None or warm_up < context.steps:
        return ()
    return [
        Problem(
            "never-placed",
            f"codes are placed after {warm_up} steps, and training has only "
            f"{context.steps}",
            ("warm_up",),
            help=f'set "warm_up" to {context.steps // 2} or less',
        )
    ]
