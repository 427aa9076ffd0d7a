"""Divides the cores of the processor among runs at the same time."""

from __future__ import annotations

import os
from collections.abc import Collection

from vqfw.errors import UsageError


def shares(jobs: int) -> list[tuple[int, ...]]:
    """The cores of each of several runs, the same number for each.

    Args:
        jobs: number of runs. For one run, and where the system cannot bind threads to
            cores, the shares are empty: a run may use all cores.

    Raises:
        UsageError: if there are fewer cores than runs, or no run.

    >>> shares(1)
    [()]
    """
    can_bind = hasattr(os, "sched_setaffinity")
    cores = sorted(os.sched_getaffinity(0)) if can_bind else range(os.cpu_count() or 1)
    if not 1 <= jobs <= len(cores):
        raise UsageError(
            f"--jobs {jobs} does not fit the cores of this machine: set 1 to {len(cores)}"
        )
    if jobs == 1 or not can_bind:
        return [()] * jobs
    each = len(cores) // jobs
    return [tuple(cores[i * each : (i + 1) * each]) for i in range(jobs)]


def confine(cores: Collection[int]) -> None:
    """Binds the calling thread, and the processes that it starts, to cores."""
    if cores:
        os.sched_setaffinity(0, cores)
