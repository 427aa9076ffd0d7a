"""Estimates the time of the missing runs of a study from its finished runs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from vqfw.results.recorded import seconds_of
from vqfw.study.standing import Standing


def expected_seconds(standing: Standing, finished: Sequence[Standing]) -> float | None:
    """Estimated seconds of one run: by runs of its arm, else by all, else ``expected``."""
    point = standing.point
    steps = point.experiment.training.steps
    same_arm = [each for each in finished if each.point.arm == point.arm]
    whole = _by_pace(same_arm, steps) or _by_pace(finished, steps)
    if whole is None and (minutes := point.experiment.expected.get("minutes")):
        whole = 60 * minutes
    if whole is None or not steps:
        return whole
    return whole * max(0, steps - standing.step) / steps


def _by_pace(finished: Sequence[Standing], steps: int | None) -> float | None:
    times = []
    for run in [each.run for each in finished if each.run is not None]:
        seconds, done = seconds_of(run), run.training["steps"]
        if seconds is not None:
            times.append(seconds * steps / done if steps and done else seconds)
    return statistics.fmean(times) if times else None


def at_once(seconds: float, runs: int, jobs: int) -> float:
    """Seconds of several runs at the same time.

    Args:
        seconds: of the runs one after the other.
        runs: number of runs.
        jobs: number of runs at the same time.

    >>> at_once(seconds=360, runs=3, jobs=2)  # two, and then one
    240.0
    """
    return seconds * math.ceil(runs / jobs) / runs if runs else 0.0


def clock(seconds: float | None) -> str:
    """Seconds as a text in seconds, minutes or hours."""
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
