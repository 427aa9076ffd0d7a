"""Shares the processor's cores out among runs that go on at once."""

from __future__ import annotations

import os
from collections.abc import Collection

from vqfw.errors import UsageError


def shares(jobs: int) -> list[tuple[int, ...]]:
    """The cores that each of several runs gets, as many for one as for another.

    Args:
        jobs: how many runs; for a single one, and where the system does not bind
            processes to cores, the shares are empty: every run may use all.

    Raises:
        UsageError: if there are fewer cores than runs.

    >>> shares(1)
    [()]
    """
    cores = _usable()
    if jobs > len(cores):
        count = f"{len(cores)} cores" if len(cores) > 1 else "one core"
        raise UsageError(
            f"--jobs {jobs} is more than the {count} here; give --jobs {len(cores)}"
        )
    if jobs == 1 or not hasattr(os, "sched_setaffinity"):
        return [()] * jobs
    each = len(cores) // jobs
    return [tuple(cores[i * each : (i + 1) * each]) for i in range(jobs)]


def confine(process: int, cores: Collection[int]) -> None:
    """Binds a process to some cores; one that has ended already stays as it is."""
    try:
        os.sched_setaffinity(process, cores)
    except ProcessLookupError:
        return


def _usable() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
