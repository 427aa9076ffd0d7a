"""A commitment weight that moves from one value to another in a straight line."""

from __future__ import annotations

from vqfw.kinds.tensors import Scalar
from vqfw_beta.ramp import Ramp


class Linear(Ramp):
    """Moves the commitment weight from ``start`` to ``end`` over ``steps``, then holds it.

    Args:
        start: The weight at step 0.
        end: The weight from step ``steps`` on.
        steps: Optimizer steps between the two.
    """

    def shape(self, progress: Scalar) -> Scalar:
        return progress
