"""The contract of a tracker: somewhere that scalars and pictures of a run are sent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from numpy.typing import NDArray


class Tracker(ABC):
    """Receives what a run reports; one that fails is closed, reported and dropped.

    The constructor opens nothing, and raises only what is to end a run before its first
    step: options that cannot be, a package that is missing (``PluginError``). Files and
    connections are opened by the first call; from there on a failure costs the run
    nothing but its tracker.

    All calls come in order and in one thread, which is not the one that trains: a slow
    tracker keeps nobody waiting. Where more than 1,000 calls wait for it, further ones are
    dropped and counted; at the end of a run it has 30 seconds to take what waits, 5 where
    the run was cut.

    A run that was cut may do its last steps again, with a tracker made anew for the same
    folder; so the first step that a tracker hears of may lie before the last one that is
    in its files, and replaces what is there from that step on.
    """

    vqfw_kind: ClassVar[str] = "tracker"

    @abstractmethod
    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Takes numbers of a step.

        Args:
            step: optimizer steps done, from 1; it repeats where validation scores follow
                the losses of a step, and never falls.
            values: by name; which names there are may change from call to call. Not to
                be changed.
        """

    @abstractmethod
    def images(self, step: int, name: str, images: NDArray[Any]) -> None:
        """Takes pictures.

        Args:
            step: optimizer steps done.
            name: of what they show.
            images: uint8 (count, height, width, 1 or 3). Not to be changed.
        """

    @abstractmethod
    def close(self) -> None:
        """Ends the record, once; also after another call failed or when none was made."""
