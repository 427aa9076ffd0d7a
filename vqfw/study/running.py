"""Trains the missing runs of a study, a process each, and keeps its table up to date."""

from __future__ import annotations

import signal
import statistics
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from vqfw.errors import Interrupted
from vqfw.results.recorded import reached, seconds_of
from vqfw.results.study_table import Failure, Table
from vqfw.results.study_table_files import write_table
from vqfw.runs.outputs import checked_folder
from vqfw.study.children import Call, Children, last_words
from vqfw.study.cores import shares
from vqfw.study.counting import table_of
from vqfw.study.grid import Grid, Point
from vqfw.study.standing import Standing, is_busy, standings, study_folder
from vqfw.study.timing import at_once, clock, expected_seconds

Say = Callable[[str], None]


def run_missing(study: Grid, call: Call, root: Path, say: Say) -> Table:
    """Trains the missing runs, resumes the begun ones, and goes on after a failure.

    Args:
        study: to run.
        call: of the command line, for its processes.
        root: the folder that holds ``checkpoints/``.
        say: takes each line of the progress.

    Returns:
        The table with the failures; it is also written to disk.

    Raises:
        Interrupted: after a signal; the running runs are saved.
        UsageError: if ``jobs`` does not fit the cores, or the folder of the study cannot
            be written.
        VqfwError: if a component reports a problem of any run; nothing is trained then.
    """
    shares(call.jobs)
    return _Running(study, call, root, say).to_the_end()


def present_table(
    study: Grid, call: Call, root: Path, failures: Sequence[Failure] = ()
) -> Table:
    """The table of the finished runs, also written to disk; trains nothing."""
    table = table_of(study, standings(study, root), str(call), failures)
    write_table(table, study_folder(study, root))
    return table


class _Started(NamedTuple):
    """A run in its process."""

    point: Point
    label: str
    log: Path
    cores: tuple[int, ...]
    begun: float


class _Running:
    """The training of the missing runs of one study."""

    def __init__(self, study: Grid, call: Call, root: Path, say: Say) -> None:
        self._study, self._call, self._root, self._say = study, call, root, say
        self._children = Children(call.arguments, root)
        self._logs = study_folder(study, root) / "logs"
        self._failures: list[Failure] = []
        self._around: list[float] = []

    def to_the_end(self) -> Table:
        checked_folder(self._logs, "set VQFW_ROOT to a folder that can be written")
        runs = self._standings()
        lacking = [each for each in runs if each.state != "finished"]
        self._say(f"study {self._study.name}: {_counted(runs)}")
        # A begun run was checked at its start, and a single one checks itself at once.
        if [each.state for each in lacking].count("missing") > 1:
            self._children.check()
        if lacking:
            self._logs.mkdir(parents=True, exist_ok=True)
        with self._children.listening():
            self._run_all(deque(each.point for each in lacking))
        if self._children.stopped_by is not None:
            states = [each.state for each in self._standings()]
            raise Interrupted(
                f"stopped with {states.count('finished')} of {len(states)} runs finished; "
                f"the running ones are saved. To continue: {self._call}",
                self._children.stopped_by,
            )
        return self._table()

    def _run_all(self, waiting: deque[Point]) -> None:
        """Starts a run on each free share of the cores, until none waits or a signal came."""
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
        """Ends the running processes on an error here, such as a table that cannot be written."""
        try:
            yield
        except BaseException:
            self._children.stop()
            raise

    def _next(self, waiting: deque[Point]) -> Point:
        """The first run that no other process trains; else the first of all."""
        for _ in range(len(waiting)):
            if not is_busy(waiting[0], self._root):
                break
            waiting.rotate(-1)
        return waiting.popleft()

    def _tell(self, ended: _Started, code: int) -> None:
        """Prints the result of a run, and keeps a failure."""
        if code == 0:
            seconds = time.monotonic() - ended.begun
            news = self._news(ended.point, seconds)
            self._say(f"{ended.label}: {clock(seconds)}{news}")
        elif self._children.stopped_by is None:
            point, reason = ended.point, _reason(code, ended.log)
            self._failures.append(Failure(point.id, str(point), reason, str(ended.log)))
            self._say(f"{ended.label}: failed: {reason}   ({ended.log})")

    def _news(self, point: Point, seconds: float) -> str:
        """The scores of a run, and the time left for the runs that are not finished."""
        failed = {each.point for each in self._failures}
        all_runs = self._standings()
        done = {each.point.id: each for each in all_runs if each.state == "finished"}
        waiting = [each for each in all_runs if each.point.id not in {*done, *failed}]
        scores = ""
        if point.id in done and (run := done[point.id].run) is not None:
            scores = reached(run)
            # The time beside training: imports, reading the images, scoring.
            self._around.append(max(0.0, seconds - (seconds_of(run) or seconds)))
        finished = list(done.values())
        times = [expected_seconds(each, finished) for each in waiting]
        if not waiting or None in times:
            return scores
        left = sum(filter(None, times))
        left += len(waiting) * statistics.fmean(self._around or [0.0])
        left = at_once(left, len(waiting), self._call.jobs)
        return f"{scores} · about {clock(left)} left for the study"

    def _standings(self) -> list[Standing]:
        return standings(self._study, self._root)

    def _table(self) -> Table:
        return present_table(self._study, self._call, self._root, self._failures)


def _counted(runs: Sequence[Standing]) -> str:
    words = {"finished": "finished", "begun": "to resume", "missing": "to run"}
    counts = Counter(words[each.state] for each in runs)
    parts = ", ".join(
        f"{counts[word]} {word}" for word in words.values() if counts[word]
    )
    return f"{len(runs)} runs: {parts}"


def _reason(code: int, log: Path) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        killer = ", perhaps out of memory" if name == "SIGKILL" else ""
        return f"killed by {name}{killer}"
    return last_words(log).removeprefix("error: ") or f"exit code {code}"
