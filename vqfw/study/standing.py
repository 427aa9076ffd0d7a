"""Which runs of a study are there already: finished, begun, or missing."""

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
    """A run of a study and what there is of it on disk.

    Args:
        point: which run.
        run: its folder; None where it was never begun. It may bear any name: what a
            person or another study has run counts too.
    """

    point: Point
    run: RunFolder | None

    @property
    def state(self) -> Literal["finished", "begun", "missing"]:
        """Whether it is trained and scored, can be resumed, or is still to start."""
        if self.run is None:
            return "missing"
        return "finished" if self.run.training else "begun"

    @property
    def step(self) -> int:
        """Steps that need not be done again."""
        if self.run is None:
            return 0
        done = checkpoint.steps(self.run.states)
        return done[-1] if done else 0


def standings(study: Grid, root: Path) -> list[Standing]:
    """Every run of a study, in the order in which they are started."""
    known: dict[str, list[RunFolder]] = {}
    for run in list_folders(root):
        key = key_of_run(run)
        if key is not None:
            known.setdefault(key, []).append(run)
    return [Standing(each, _best(known.get(each.key, ()))) for each in study.points]


def _best(runs: Sequence[RunFolder]) -> RunFolder | None:
    """The newest finished run, so that who trains one again gets it; else the newest."""
    finished = [run for run in runs if run.training]
    known = finished or runs
    return known[-1] if known else None


def study_folder(study: Grid, root: Path) -> Path:
    """Where the table and the logs of a study lie."""
    return root / "checkpoints" / "studies" / study.name


@contextmanager
def alone(point: Point, root: Path, wait: Callable[[str], None]) -> Iterator[None]:
    """Keeps other processes from training the same, whatever study asks for it.

    Args:
        point: what to train.
        root: the folder that holds ``checkpoints/``.
        wait: told, in a sentence, if another process is at it; then its end is awaited.
    """
    with _lock_file(point, root) as file:
        if not take_lock(file):
            wait(f"another process trains the same as {point.id}: waiting for its end")
            take_lock(file, wait=True)
        yield


def clear_leftovers(point: Point, root: Path) -> None:
    """Removes the folders of a start that was killed before it recorded anything.

    Args:
        point: whose name they have taken; no other process may be at it.
        root: the folder that holds ``checkpoints/``.
    """
    run = RunFolder(point.id, root)
    if run.path.exists() and not run.is_recorded:
        shutil.rmtree(run.path, ignore_errors=True)
        # It saved no picture: what lies there is of an older run of this name.
        with suppress(OSError):
            run.pictures.rmdir()


def is_busy(point: Point, root: Path) -> bool:
    """Whether another process is at it now."""
    with _lock_file(point, root) as file:
        return not take_lock(file)


def _lock_file(point: Point, root: Path) -> TextIO:
    # The system releases the lock of a process that was killed; the empty file stays.
    folder = root / "checkpoints" / "studies" / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    handle = open_own(folder / point.key, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    return open(handle, "a", encoding="ascii")
