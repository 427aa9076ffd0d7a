"""The state of each run of a study on disk: finished, begun, or missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from vqfw.runs import RunFolder, checkpoint, list_folders
from vqfw.runs.files import open_own
from vqfw.runs.locks import take_lock
from vqfw.study.grid import Grid, Point
from vqfw.study.identity import key_of_run


@dataclass(frozen=True)
class Standing:
    """A run of a study and its folder on disk.

    Args:
        point: the run.
        run: its folder; None if it was never begun. Its name does not matter: a run of
            ``vqfw run`` or of another study counts too.
    """

    point: Point
    run: RunFolder | None

    @property
    def state(self) -> Literal["finished", "begun", "missing"]:
        """Finished is trained and scored; begun can be resumed."""
        if self.run is None:
            return "missing"
        return "finished" if self.run.training else "begun"

    @property
    def step(self) -> int:
        """Steps in its last checkpoint."""
        return max(checkpoint.steps(self.run.states), default=0) if self.run else 0


def standings(study: Grid, root: Path) -> list[Standing]:
    """Every run of a study, in the order in which they are started."""
    runs: dict[str, list[RunFolder]] = {}
    for run in list_folders(root):
        key = key_of_run(run)
        if key is not None:
            runs.setdefault(key, []).append(run)
    return [Standing(each, _best(runs.get(each.key, ()))) for each in study.points]


def _best(runs: Sequence[RunFolder]) -> RunFolder | None:
    """The newest finished run, so that a run trained again counts; else the newest."""
    finished = [run for run in runs if run.training]
    return next(reversed(finished or runs), None)


def study_folder(study: Grid, root: Path) -> Path:
    """The folder of the table and the logs of a study."""
    return root / "checkpoints" / "studies" / study.name


@contextmanager
def alone(point: Point, root: Path, wait: Callable[[str], None]) -> Iterator[None]:
    """Locks a run, so that no other process trains it at the same time.

    Args:
        point: the run.
        root: the folder that holds ``checkpoints/``.
        wait: takes a sentence if another process holds the lock, which is then awaited.
    """
    with _lock_file(point, root) as file:
        if not take_lock(file):
            wait(f"another process trains the same as {point.id}: waiting for its end")
            take_lock(file, wait=True)
        yield


def clear_leftovers(point: Point, root: Path) -> None:
    """Removes the folders of a run that was killed before it recorded anything.

    Args:
        point: the run; the caller holds its lock.
        root: the folder that holds ``checkpoints/``.
    """
    run = RunFolder(point.id, root)
    if run.path.exists() and not run.is_recorded:
        shutil.rmtree(run.path, ignore_errors=True)
        # A folder with pictures is of an older run of this name, and stays.
        with suppress(OSError):
            run.pictures.rmdir()


def is_busy(point: Point, root: Path) -> bool:
    """Whether another process trains it now."""
    with _lock_file(point, root) as file:
        return not take_lock(file)


def _lock_file(point: Point, root: Path) -> TextIO:
    # The lock of a killed process is released by the system; the empty file stays.
    folder = root / "checkpoints" / "studies" / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    handle = open_own(folder / point.key, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    return open(handle, "a", encoding="ascii")
