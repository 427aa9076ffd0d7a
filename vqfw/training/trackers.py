"""Passes what a training reports on to trackers; a failing one costs nothing but itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vqfw.kinds.tracker import Tracker
from vqfw.plan import Plan
from vqfw.registry import build


class Trackers(AbstractContextManager["Trackers", None]):
    """The trackers of a run.

    Args:
        plan: names them.
        say: told, once a tracker, why it was dropped.
    """

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._say = say
        self._active: dict[str, Tracker] = {
            each["type"]: build(
                "tracker", each, plan.supplied, ("training", "trackers", i)
            )
            for i, each in enumerate(plan.experiment.training.trackers)
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._each(lambda tracker: tracker.close())

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Sends the numbers of a step."""
        self._each(lambda tracker: tracker.scalars(step, values))

    def images(self, step: int, name: str, images: NDArray[np.uint8]) -> None:
        """Sends pictures: (count, height, width, channels)."""
        self._each(lambda tracker: tracker.images(step, name, images))

    def _each(self, tell: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._active.items()):
            try:
                tell(tracker)
            except Exception as error:
                del self._active[name]
                self._say(
                    f'tracker "{name}" failed and was dropped; the run goes on '
                    f"({type(error).__name__}: {error})"
                )
