"""Runs what a study lacks, one process after the other, and keeps its table up to date."""

from __future__ import annotations

import shlex
import signal
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqfw.errors import Interrupted
from vqfw.evaluation.recorded import reached, seconds_of
from vqfw.study.children import Children, last_words
from vqfw.study.grid import Point, Study
from vqfw.study.standing import Standing, is_busy, standings, study_folder
from vqfw.study.table import Failure, Table, table_of
from vqfw.study.timing import clock, seconds_left
from vqfw.study.writing import write_table

Say = Callable[[str], None]


@dataclass(frozen=True)
class Call:
    """How the command line would ask for a study.

    Args:
        file: of the study.
        overrides: for ``--set``.
        plugins: for ``--plugin``.
    """

    file: Path
    overrides: Sequence[str] = ()
    plugins: Sequence[str] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """Of ``vqfw``."""
        found = ["study", str(self.file)]
        for each in self.overrides:
            found += ["--set", each]
        for each in self.plugins:
            found += ["--plugin", each]
        return tuple(found)

    def __str__(self) -> str:
        """As a person types it."""
        return shlex.join(["vqfw", *self.arguments])


def run_missing(study: Study, call: Call, root: Path, say: Say) -> Table:
    """Runs what is missing of a study, resumes what was cut, goes on after a failure.

    Args:
        study: what to run.
        call: how its processes are asked to.
        root: the folder that holds ``checkpoints/``.
        say: told of the progress.

    Returns:
        The table, which is on disk too; with the failures.

    Raises:
        Interrupted: after a signal; the run that was going on is saved.
        VqfwError: if a component refuses something of any run; nothing is run then.
    """
    return _Running(study, call, root, say).to_the_end()


def present_table(study: Study, call: Call, root: Path) -> Table:
    """The table of what is finished, written to disk too; runs nothing."""
    table = table_of(study, standings(study, root), str(call))
    write_table(table, study_folder(study, root))
    return table


class _Running:
    """One study in progress."""

    def __init__(self, study: Study, call: Call, root: Path, say: Say) -> None:
        self._study = study
        self._call = call
        self._root = root
        self._say = say
        self._children = Children(call.arguments, root)
        self._logs = study_folder(study, root) / "logs"
        self._failures: list[Failure] = []
        self._around: list[float] = []

    def to_the_end(self) -> Table:
        lacking = self._open()
        waiting = deque(each.point for each in lacking)
        total = len(self._study.points)
        self._say(f"study {self._study.name}: {_counted(self._standings())}")
        # What was begun has been checked, and one run alone checks itself as soon.
        if [each.state for each in lacking].count("missing") > 1:
            self._children.check()
        if waiting:
            self._logs.mkdir(parents=True, exist_ok=True)
        put_off = 0
        with self._children.listening():
            while waiting and self._children.stopped_by is None:
                point = waiting.popleft()
                if put_off < len(waiting) and is_busy(point, self._root):
                    waiting.append(point)  # another process is at it: do others first
                    put_off += 1
                    continue
                put_off = 0
                self._run(point, total - len(waiting), total)
                self._table()
        if self._children.stopped_by is not None:
            self._stop(self._children.stopped_by)
        return self._table()

    def _run(self, point: Point, number: int, total: int) -> None:
        before = f"[{number}/{total}] {point}"
        self._say(f"{before} ...")
        begun = time.monotonic()
        log = self._logs / f"{point.id}.log"
        code = self._children.run(point.id, log)
        if code == 0:
            seconds = time.monotonic() - begun
            self._say(f"{before}: {clock(seconds)}{self._news(point, seconds)}")
        elif self._children.stopped_by is None:
            failure = Failure(point.id, str(point), _reason(code, log), str(log))
            self._failures.append(failure)
            self._say(f"{before}: failed: {failure.reason}   ({log})")

    def _news(self, point: Point, seconds: float) -> str:
        """What a run has reached, and how long the others will take."""
        failed = {each.point for each in self._failures}
        found = self._standings()
        done = {each.point.id: each for each in found if each.state == "finished"}
        waiting = [each for each in found if each.point.id not in {*done, *failed}]
        told = ""
        if point.id in done and (run := done[point.id].run) is not None:
            told = reached(run)
            # What is not training: imports, reading the images, scoring.
            self._around.append(max(0.0, seconds - (seconds_of(run) or seconds)))
        left = seconds_left(waiting, list(done.values()))
        if not waiting or left is None:
            return told
        left += len(waiting) * statistics.fmean(self._around or [0.0])
        return f"{told} · about {clock(left)} left"

    def _standings(self) -> list[Standing]:
        return standings(self._study, self._root)

    def _open(self) -> list[Standing]:
        return [each for each in self._standings() if each.state != "finished"]

    def _table(self) -> Table:
        table = table_of(
            self._study, self._standings(), str(self._call), self._failures
        )
        write_table(table, study_folder(self._study, self._root))
        return table

    def _stop(self, number: int) -> None:
        total, left = len(self._study.points), len(self._open())
        raise Interrupted(
            f"stopped with {total - left} of {total} runs finished, and the one that was "
            f"going on is saved; go on with: {self._call}",
            number,
        )


def _counted(found: Sequence[Standing]) -> str:
    states = [each.state for each in found]
    counts = {
        "finished": states.count("finished"),
        "to resume": states.count("begun"),
        "to run": states.count("missing"),
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"{len(found)} runs: {told}"


def _reason(code: int, log: Path) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        killer = ", perhaps for lack of memory" if name == "SIGKILL" else ""
        return f"killed by {name}{killer}"
    return last_words(log).removeprefix("error: ") or f"exit code {code}"
