"""Calls the trackers; a failing one costs nothing but itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vqfw.errors import in_short
from vqfw.kinds.tracker import Tracker
from vqfw.plan import Plan
from vqfw.registry import build
from vqfw.registry.importing import harmless
from vqfw.runs import Run


class Trackers(AbstractContextManager["Trackers", None]):
    """The trackers of a run.

    Args:
        plan: names them.
        run: gives them its folder, and records why one was dropped.
        say: told the same, once a tracker.

    Raises:
        PluginError: if one cannot be made; that ends the run before its first step.
        ExperimentError: if one refuses its options.
    """

    def __init__(self, plan: Plan, run: Run, say: Callable[[str], None]) -> None:
        self._run = run
        self._say = say
        known = {**plan.supplied, "run_folder": run.path.absolute()}
        self._active: dict[str, Tracker] = {
            each["type"]: build("tracker", each, known, ("training", "trackers", i))
            for i, each in enumerate(plan.experiment.training.trackers)
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._each("close", lambda tracker: tracker.close())

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Sends the numbers of a step."""
        self._each("scalars", lambda tracker: tracker.scalars(step, dict(values)))

    def images(self, step: int, name: str, images: NDArray[np.uint8]) -> None:
        """Sends pictures: (count, height, width, channels)."""
        self._each("images", lambda tracker: tracker.images(step, name, images.copy()))

    def _each(self, method: str, tell: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._active.items()):
            try:
                with harmless():
                    tell(tracker)
            except Exception as error:
                del self._active[name]
                reason = in_short(error)
                self._run.note_failure(
                    {"tracker": name, "hook": method, "error": reason}
                )
                self._say(
                    f'tracker "{name}" failed in {method} and was dropped; the run goes '
                    f"on ({reason})"
                )
