"""Sends the numbers and pictures of a training to its log, the progress and the trackers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Self, TextIO

from vqfw.evaluation.pictures import Pixels, save_picture
from vqfw.runs import RunFolder
from vqfw.runs.files import open_own, read_own, write_whole
from vqfw.training.progress import Progress
from vqfw.training.trackers import Trackers

Numbers = Mapping[str, float]


class Journal(AbstractContextManager["Journal", None]):
    """Writes ``metrics.jsonl`` and the grids of a run; shows and tracks the same.

    Args:
        run: is recorded.
        step: steps done; log lines of later steps, which will be done again, are dropped.
        progress: shows the numbers.
        trackers: get numbers and grids.
    """

    def __init__(
        self, run: RunFolder, step: int, progress: Progress, trackers: Trackers
    ) -> None:
        self._run = run
        self._progress = progress
        self._trackers = trackers
        self._path = run.path / "metrics.jsonl"
        self._step = step
        self._log: TextIO
        self._open = ExitStack()

    def __enter__(self) -> Self:
        _forget_after(self._path, self._step)
        handle = open_own(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._log = self._open.enter_context(open(handle, "a", encoding="utf-8"))
        # The bar last: it takes standard output too, and gives it back as it was before.
        self._open.enter_context(self._trackers)
        self._open.enter_context(self._progress)
        return self

    def __exit__(self, *failure: Any) -> None:
        self._open.__exit__(*failure)

    def say(self, text: str) -> None:
        """Shows a line."""
        self._progress.say(text)

    def step(self, step: int, epoch: int, values: Numbers, pace: Numbers) -> None:
        """Takes the numbers of a step.

        Args:
            step: counted from 1.
            epoch: counted from 0.
            values: logged; a resumed run repeats them exactly.
            pace: shown but not logged; ``images_per_second``, empty while unknown.
        """
        self._write(step, values)
        self._trackers.scalars(step, values)
        self._progress.step(step, epoch, {**values, **pace})

    def epoch_end(
        self, step: int, epoch: int, values: Numbers, pace: Numbers, sheet: Pixels
    ) -> None:
        """Takes the numbers of the last step of an epoch, and saves its pictures."""
        # Whoever copied the run may have left its pictures out.
        self._run.pictures.mkdir(parents=True, exist_ok=True)
        save_picture(self._run.pictures / f"grid_{epoch + 1:05d}.png", sheet)
        self._trackers.images(step, "grid", sheet[None])
        self._progress.epoch_end(step, epoch, {**values, **pace})

    def validation(self, step: int, values: Numbers) -> None:
        """Logs the scores of a validation and shows them."""
        named = {f"validation_{name}": value for name, value in values.items()}
        self._write(step, named)
        self._trackers.scalars(step, named)
        shown = " · ".join(f"{name} {value:.4g}" for name, value in values.items())
        if shown:
            self.say(f"step {step} · validation: {shown}")

    def sync(self) -> None:
        """Writes every line so far to the disk."""
        self._log.flush()
        os.fsync(self._log.fileno())
        self._trackers.settle()

    def _write(self, step: int, values: Numbers) -> None:
        rounded = {name: float(f"{value:.7g}") for name, value in values.items()}
        self._log.write(json.dumps({"step": step, **rounded}) + "\n")


def _forget_after(path: Path, step: int) -> None:
    if path.exists():
        lines = read_own(path, None).splitlines(keepends=True)
        kept = [line for line in lines if _step_of(line) <= step]
        write_whole(path, b"".join(kept))


def _step_of(line: bytes) -> int:
    """The step of a line of the log; a torn or damaged one counts as never written."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return 1 << 62
