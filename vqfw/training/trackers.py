"""Calls the trackers, each in a thread of its own, so that a slow one delays nobody else.

Calls wait in a queue. Where it is full, a call is dropped and counted; the training never
waits. At a checkpoint and at the end the trackers get a short time to catch up.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Set
from contextlib import AbstractContextManager
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vqfw.errors import in_short
from vqfw.kinds.tracker import Tracker
from vqfw.plan import Plan
from vqfw.registry import build
from vqfw.runs import RunFolder

WAITING = 1000
"""Calls that may wait for one tracker. Numbers are small, and pictures come once an epoch."""
AT_A_CHECKPOINT, AT_THE_END, WHEN_CUT = 0.5, 30.0, 5.0
"""Seconds for all trackers together to catch up; the last where the run was interrupted,
as a computer that shuts down waits only briefly."""
_LOOK = 0.05  # seconds between two looks at whether the final wait is to end


class Trackers(AbstractContextManager["Trackers", None]):
    """The trackers of a run; one that fails is closed, reported and no longer called.

    Args:
        plan: names them.
        run: gives them its folder, and records failures.
        say: takes each failure as a sentence.
        stop: whether Ctrl-C was pressed, which ends the final wait.

    Raises:
        PluginError: if one cannot be made; that ends the run before its first step.
        ExperimentError: if one refuses its options.
    """

    def __init__(
        self,
        plan: Plan,
        run: RunFolder,
        say: Callable[[str], None],
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._run = run
        self._say = say
        self._stop = stop
        supplied = {**plan.supplied, "run_folder": run.path.absolute()}
        self._feeds = [
            _Feed(
                options["type"],
                build("tracker", options, supplied, ("training", "trackers", i)),
            )
            for i, options in enumerate(plan.experiment.training.trackers)
        ]

    def __enter__(self) -> Self:
        self._stdout = sys.stdout
        if self._feeds:
            sys.stdout = _Aside(sys.stdout, {feed.thread for feed in self._feeds})
        for feed in self._feeds:
            feed.thread.start()
        return self

    def __exit__(self, kind: object, *failure: object) -> None:
        for feed in self._feeds:
            feed.call("close")
        seconds = AT_THE_END if kind is None else WHEN_CUT
        end = time.monotonic() + seconds
        self.settle()
        for feed in self._feeds:
            if waiting := feed.waiting:
                self._say(
                    f'tracker "{feed.name}" has {_calls(waiting)} to take; waiting at '
                    f"most {seconds:g} seconds, Ctrl-C ends the wait"
                )
        # An interrupted run was stopped before; a second Ctrl-C ends its process.
        stop = self._stop if kind is None else lambda: False
        for feed in self._feeds:
            while feed.thread.is_alive() and time.monotonic() < end and not stop():
                feed.thread.join(_LOOK)
        self._report_failures()
        for feed in self._feeds:
            if feed.thread.is_alive():
                why = "Ctrl-C ended the wait"
                if time.monotonic() >= end:
                    why = f"{seconds:g} seconds after the end were over"
                self._note(feed, "close", f"{_calls(feed.waiting)} left when {why}")
            if feed.missed:
                reason = "dropped: it is slower than the training"
                self._note(feed, "scalars", f"{_calls(feed.missed)} {reason}")
        # A late tracker may still print.
        if self._feeds and not any(feed.thread.is_alive() for feed in self._feeds):
            sys.stdout = self._stdout

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Sends the numbers of a step."""
        self._report_failures()
        for feed in self._feeds:
            feed.call("scalars", step, dict(values))

    def images(self, step: int, name: str, images: NDArray[np.uint8]) -> None:
        """Sends pictures: (count, height, width, channels)."""
        self._report_failures()
        for feed in self._feeds:
            feed.call("images", step, name, images.copy())

    def settle(self) -> None:
        """Waits a moment, so that trackers usually have the calls before a checkpoint."""
        end = time.monotonic() + AT_A_CHECKPOINT
        for feed in self._feeds:
            feed.settle(end - time.monotonic())

    def _report_failures(self) -> None:
        for feed in self._feeds:
            while feed.failures:
                method, reason = feed.failures.popleft()
                fact = (
                    f" failed in {method} and was dropped; the run goes on ({reason})"
                )
                self._note(feed, method, reason, fact)

    def _note(self, feed: _Feed, method: str, reason: str, fact: str = "") -> None:
        self._run.note_failure({"tracker": feed.name, "hook": method, "error": reason})
        self._say(f'tracker "{feed.name}"{fact or f": {reason}"}')


class _Feed:
    """One tracker, its thread and its waiting calls.

    Attributes:
        failures: methods that failed, and why; not yet reported. After the first one the
            tracker is closed, which may fail too, and not called again.
        missed: calls that were dropped because too many waited.
    """

    def __init__(self, name: str, tracker: Tracker) -> None:
        self.name = name
        self.failures = deque[tuple[str, str]]()
        self.missed = 0
        self.thread = threading.Thread(
            target=self._work, name=f"tracker {name}", daemon=True
        )
        self._tracker = tracker
        self._calls: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._is_busy = False
        self._has_failed = False
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """The number of calls that the tracker has not finished."""
        return len(self._calls) + self._is_busy

    def call(self, method: str, *arguments: Any) -> None:
        """Queues a call, or drops it where too many wait or an earlier one failed."""
        with self._changed:
            if self._has_failed:
                return
            if len(self._calls) < WAITING or method == "close":
                self._calls.append((method, arguments))
                self._changed.notify_all()
            else:
                self.missed += 1

    def settle(self, seconds: float) -> None:
        """Waits until no call waits any more, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: not self.waiting, max(0.0, seconds))

    def _work(self) -> None:
        method = ""
        while method != "close":
            with self._changed:
                self._changed.wait_for(lambda: self._calls)
                method, arguments = self._calls.popleft()
                self._is_busy = True
            if not self._done(method, *arguments) and method != "close":
                with self._changed:
                    self._has_failed = True
                    self._calls.clear()
                method = "close"
                self._done(method)
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()

    def _done(self, method: str, *arguments: Any) -> bool:
        """Calls the tracker, and notes if that fails."""
        try:
            getattr(self._tracker, method)(*arguments)
        except BaseException as error:  # CancelledError is no Exception
            self.failures.append((method, in_short(error)))
            return False
        return True


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"


class _Aside:
    """Standard output for all but some threads, whose prints go to standard error.

    One for all trackers: each redirecting its own prints would redirect those of every
    other thread too.
    """

    def __init__(self, output: Any, threads: Set[threading.Thread]) -> None:
        self._output = output
        self._threads = threads

    def __getattr__(self, name: str) -> Any:
        aside = threading.current_thread() in self._threads
        return getattr(sys.stderr if aside else self._output, name)
