"""A commitment weight that moves from one value to another along half a cosine."""

from __future__ import annotations

import math

from keras import ops

from vqfw.kinds.tensors import Scalar
from vqfw_beta.ramp import Ramp


class Cosine(Ramp):
    """Moves the commitment weight from ``start`` to ``end``, slowly at both ends.

    ``start + (end - start) * (1 - cos(pi * step / steps)) / 2``, then ``end``. Source: one
    period of Loshchilov and Hutter 2017, eq. 5, https://arxiv.org/abs/1608.03983.

    >>> round(float(Cosine(start=0.1, end=0.5, steps=100)(50, None, None)), 4)
    0.3

    Args:
        start: The weight at step 0.
        end: The weight from step ``steps`` on.
        steps: Optimizer steps between the two.
    """

    def shape(self, progress: Scalar) -> Scalar:
        return 0.5 * (1.0 - ops.cos(math.pi * progress))
