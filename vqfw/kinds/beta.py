"""The contract of a beta scheduler: the weight of the commitment loss, step by step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from vqfw.kinds.tensors import Scalar, Tensor
from vqfw.kinds.usage import Usage


class BetaScheduler(ABC):
    """A pure function of the step and of the usage of the codebook.

    It runs inside the compiled training step, so it is written in ``keras.ops``.
    """

    vqfw_kind: ClassVar[str] = "beta"

    @property
    @abstractmethod
    def initial(self) -> float:
        """The value of ``previous`` at the first step."""

    @abstractmethod
    def __call__(self, step: Tensor, usage: Usage, previous: Scalar) -> Scalar:
        """The weight for this step.

        Args:
            step: () int32, optimizer steps done before this one.
            usage: debiased, of the steps before this one; of the least used codebook
                where there are several.
            previous: () float32, the weight of the step before.

        Returns:
            () float32, not negative.
        """
