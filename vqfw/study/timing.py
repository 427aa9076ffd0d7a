"""How long the rest of a study takes, judged by the runs that are finished."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from vqfw.results.recorded import seconds_of
from vqfw.study.standing import Standing


def seconds_left(
    waiting: Iterable[Standing], finished: Sequence[Standing]
) -> float | None:
    """How long the waiting runs will take; None where nothing tells."""
    each = [expected_seconds(standing, finished) for standing in waiting]
    known = [seconds for seconds in each if seconds is not None]
    if len(known) < len(each):
        return None
    return sum(known)


def expected_seconds(standing: Standing, finished: Sequence[Standing]) -> float | None:
    """How long one run will take, by runs of its own arm, else by all, else as expected."""
    point = standing.point
    steps = point.experiment.training.steps
    own = [each for each in finished if each.point.arm == point.arm]
    whole = _by_pace(own, steps) or _by_pace(finished, steps)
    if whole is None and (minutes := point.experiment.expected.get("minutes")):
        whole = 60 * minutes
    if whole is None or not steps:
        return whole
    return whole * max(0, steps - standing.step) / steps


def _by_pace(finished: Sequence[Standing], steps: int | None) -> float | None:
    found = []
    for each in finished:
        seconds = seconds_of(each.run) if each.run is not None else None
        if seconds is not None and each.run is not None:
            done = each.run.training["steps"]
            found.append(seconds * steps / done if steps and done else seconds)
    return statistics.fmean(found) if found else None


def at_once(seconds: float, runs: int, jobs: int) -> float:
    """How long runs take that would take so many seconds one after the other.

    Args:
        seconds: of all runs together.
        runs: how many.
        jobs: how many of them go on at a time.

    >>> at_once(seconds=360, runs=3, jobs=2)  # two, and then one
    240.0
    """
    return seconds * math.ceil(runs / jobs) / runs if runs else 0.0


def clock(seconds: float | None) -> str:
    """A length of time as a person says it."""
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
