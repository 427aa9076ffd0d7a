"""The contract of a tracker, which gets the scalars and pictures of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from numpy.typing import NDArray


class Tracker(ABC):
    """Receives scalars and pictures; one that fails is closed, reported and dropped.

    The constructor opens nothing. It raises ``PluginError`` to end the run before its first
    step, for options that are not allowed or a missing package. The first call opens files
    and connections; from then on a failure ends the tracker and not the run.

    All calls come in order, in a thread that does not train, so a slow tracker does not
    delay training. If more than 1,000 calls wait, further ones are dropped and counted. At
    the end of a run the tracker has 30 seconds for the calls that wait; 5 if the run was
    interrupted.

    A resumed run may repeat its last steps, with a new tracker for the same folder: the
    first step may be before the last one in its files, and replaces all from there on.
    """

    vqfw_kind: ClassVar[str] = "tracker"

    @abstractmethod
    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Takes the numbers of a step.

        Args:
            step: optimizer steps done, from 1; it never falls, and repeats where
                validation scores follow the losses of a step.
            values: by name; the names may differ from call to call. Not to be changed.
        """

    @abstractmethod
    def images(self, step: int, name: str, images: NDArray[Any]) -> None:
        """Takes pictures.

        Args:
            step: optimizer steps done.
            name: of the pictures.
            images: uint8 (count, height, width, 1 or 3). Not to be changed.
        """

    @abstractmethod
    def close(self) -> None:
        """Closes files and connections; called once, also after a failure or without calls."""
