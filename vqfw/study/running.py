"""Runs what a study lacks, a process each, and keeps its table up to date."""

from __future__ import annotations

import shlex
import signal
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vqfw.errors import Interrupted
from vqfw.results.recorded import reached, seconds_of
from vqfw.results.table import Failure, Table
from vqfw.results.table_files import write_table
from vqfw.runs.outputs import checked_folder
from vqfw.study.children import Children, last_words
from vqfw.study.cores import shares
from vqfw.study.grid import Grid, Point
from vqfw.study.standing import Standing, is_busy, standings, study_folder
from vqfw.study.table import table_of
from vqfw.study.timing import at_once, clock, seconds_left

Say = Callable[[str], None]


@dataclass(frozen=True)
class Call:
    """How the command line would ask for a study.

    Args:
        file: of the study.
        overrides: for ``--set``.
        plugins: for ``--plugin``.
        jobs: how many runs go on at once, each on its share of the processor's cores.
    """

    file: Path
    overrides: Sequence[str] = ()
    plugins: Sequence[str] = ()
    jobs: int = 1

    @property
    def arguments(self) -> tuple[str, ...]:
        """Of ``vqfw``, for the process of one run."""
        found = ["study", str(self.file)]
        for each in self.overrides:
            found += ["--set", each]
        for each in self.plugins:
            found += ["--plugin", each]
        return tuple(found)

    def __str__(self) -> str:
        """As a person types it."""
        jobs = ["--jobs", str(self.jobs)] if self.jobs > 1 else []
        return shlex.join(["vqfw", *self.arguments, *jobs])


def run_missing(study: Grid, call: Call, root: Path, say: Say) -> Table:
    """Runs what is missing of a study, resumes what was cut, goes on after a failure.

    Args:
        study: what to run.
        call: how its processes are asked to.
        root: the folder that holds ``checkpoints/``.
        say: told of the progress.

    Returns:
        The table, which is on disk too; with the failures.

    Raises:
        Interrupted: after a signal; what was going on is saved.
        UsageError: if there are more jobs than cores, or none, or the folder of the
            study cannot be written.
        VqfwError: if a component refuses something of any run; nothing is run then.
    """
    shares(call.jobs)
    return _Running(study, call, root, say).to_the_end()


def present_table(study: Grid, call: Call, root: Path) -> Table:
    """The table of what is finished, written to disk too; runs nothing."""
    table = table_of(study, standings(study, root), str(call))
    write_table(table, study_folder(study, root))
    return table


class _Started(NamedTuple):
    """A run that is going on in a process."""

    point: Point
    label: str
    log: Path
    cores: tuple[int, ...]
    begun: float


class _Running:
    """One study in progress."""

    def __init__(
        self,
        study: Grid,
        call: Call,
        root: Path,
        say: Say,
    ) -> None:
        self._study = study
        self._call = call
        self._root = root
        self._say = say
        self._children = Children(call.arguments, root)
        self._logs = study_folder(study, root) / "logs"
        self._failures: list[Failure] = []
        self._around: list[float] = []

    def to_the_end(self) -> Table:
        checked_folder(self._logs, "set VQFW_ROOT to a folder that can be written")
        lacking = self._open()
        self._say(f"study {self._study.name}: {_counted(self._standings())}")
        # What was begun has been checked, and one run alone checks itself as soon.
        if [each.state for each in lacking].count("missing") > 1:
            self._children.check()
        if lacking:
            self._logs.mkdir(parents=True, exist_ok=True)
        with self._children.listening():
            self._run_all(deque(each.point for each in lacking))
        if self._children.stopped_by is not None:
            self._stop(self._children.stopped_by)
        return self._table()

    def _run_all(self, waiting: deque[Point]) -> None:
        """Keeps every share of the cores busy until nothing waits, or a signal came."""
        free = shares(min(self._call.jobs, max(1, len(waiting))))
        going: dict[Future[int], _Started] = {}
        total = len(self._study.points)
        with ThreadPoolExecutor(len(free)) as threads, self._stopping_on_failure():
            while True:
                while waiting and free and self._children.stopped_by is None:
                    point = self._next(waiting)
                    before = f"[{total - len(waiting)}/{total}] {point}"
                    self._say(f"{before} ...")
                    cores = free.pop(0)
                    log = self._logs / f"{point.id}.log"
                    run = threads.submit(self._children.run, point.id, log, cores)
                    going[run] = _Started(point, before, log, cores, time.monotonic())
                if not going:
                    return
                for run in wait(going, return_when=FIRST_COMPLETED).done:
                    ended = going.pop(run)
                    free.append(ended.cores)
                    self._tell(ended, run.result())
                    self._table()

    @contextmanager
    def _stopping_on_failure(self) -> Iterator[None]:
        """Lets nobody wait for hours to read that the table could not be written."""
        try:
            yield
        except BaseException:
            self._children.stop()
            raise

    def _next(self, waiting: deque[Point]) -> Point:
        """The first that no other process is at; the first of all where there is none."""
        for _ in range(len(waiting)):
            if not is_busy(waiting[0], self._root):
                break
            waiting.rotate(-1)
        return waiting.popleft()

    def _tell(self, ended: _Started, code: int) -> None:
        """Says what became of a run, and remembers a failure."""
        if code == 0:
            seconds = time.monotonic() - ended.begun
            news = self._news(ended.point, seconds)
            self._say(f"{ended.label}: {clock(seconds)}{news}")
        elif self._children.stopped_by is None:
            point = ended.point
            failure = Failure(
                point.id, str(point), _reason(code, ended.log), str(ended.log)
            )
            self._failures.append(failure)
            self._say(f"{ended.label}: failed: {failure.reason}   ({ended.log})")

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
        left = at_once(left, len(waiting), self._call.jobs)
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
            f"stopped with {total - left} of {total} runs finished, and what was going "
            f"on is saved; go on with: {self._call}",
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
