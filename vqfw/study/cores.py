"""Shares the processor's cores out among runs that go on at once."""

from __future__ import annotations

import os
from collections.abc import Collection

from vqfw.errors import UsageError


def shares(jobs: int) -> list[tuple[int, ...]]:
    """The cores that each of several runs gets, as many for one as for another.

    Args:
        jobs: how many runs; for a single one, and where the system does not bind
            threads to cores, the shares are empty: every run may use all.

    Raises:
        UsageError: if there are fewer cores than runs, or no run.

    >>> shares(1)
    [()]
    """
    cores = _usable()
    if not 1 <= jobs <= len(cores):
        raise UsageError(
            f"{jobs} runs at once cannot share the cores of this machine; choose a number "
            f"of jobs from 1 to {len(cores)}"
        )
    if jobs == 1 or not hasattr(os, "sched_setaffinity"):
        return [()] * jobs
    each = len(cores) // jobs
    return [tuple(cores[i * each : (i + 1) * each]) for i in range(jobs)]


def confine(cores: Collection[int]) -> None:
    """Binds the thread that calls it, and processes that it starts, to some cores."""
    if cores:
        os.sched_setaffinity(0, cores)


def _usable() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
