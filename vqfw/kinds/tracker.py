"""The contract of a tracker: somewhere that scalars and pictures of a run are sent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from numpy.typing import NDArray


class Tracker(ABC):
    """Receives what a run reports; one that fails is reported once and dropped."""

    vqfw_kind: ClassVar[str] = "tracker"

    @abstractmethod
    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Takes the numbers of a step."""

    @abstractmethod
    def images(self, step: int, name: str, images: NDArray[Any]) -> None:
        """Takes pictures: uint8 (count, height, width, channels)."""

    @abstractmethod
    def close(self) -> None:
        """Ends the record."""
