"""Calls the trackers, each in a thread of its own: one that is slow or fails costs itself alone.

What a tracker is told waits in a queue. Where that is full, a call is dropped and counted;
the training never waits. At a checkpoint and at the end there is a short time to catch up.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, redirect_stdout
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
"""Seconds that all trackers together are given to catch up: a computer that shuts down
waits for a run that it cuts, but not for long."""


class Trackers(AbstractContextManager["Trackers", None]):
    """The trackers of a run.

    Args:
        plan: names them.
        run: gives them its folder, and records why one was dropped.
        say: told the same, once a tracker.

    Raises:
        PluginError: if one cannot be made; that ends the run before its first step.
        ExperimentError: if one refuses its options.
    """

    def __init__(self, plan: Plan, run: RunFolder, say: Callable[[str], None]) -> None:
        self._run = run
        self._say = say
        known = {**plan.supplied, "run_folder": run.path.absolute()}
        self._feeds = [
            _Feed(
                each["type"],
                build("tracker", each, known, ("training", "trackers", i)),
            )
            for i, each in enumerate(plan.experiment.training.trackers)
        ]
        self._open = ExitStack()

    def __enter__(self) -> Self:
        threads = frozenset(feed.thread for feed in self._feeds)
        if threads:
            # Entered and left by one thread; each tracker redirecting its own prints would
            # redirect those of all others too.
            self._open.enter_context(redirect_stdout(_Aside(sys.stdout, threads)))
        for feed in self._feeds:
            feed.thread.start()
        return self

    def __exit__(self, kind: object, *failure: object) -> None:
        with self._open:
            for feed in self._feeds:
                feed.call("close")
            seconds = AT_THE_END if kind is None else WHEN_CUT
            end = time.monotonic() + seconds
            self.settle()
            for feed in self._feeds:
                if waiting := feed.waiting:
                    self._say(
                        f'tracker "{feed.name}" has {waiting} calls to take; waiting at '
                        f"most {seconds:g} seconds"
                    )
                feed.thread.join(max(0.0, end - time.monotonic()))
            self._drop_those_that_failed()
            for feed in self._feeds:
                if feed.thread.is_alive():
                    left = f"{feed.waiting} calls were left when {seconds:g} seconds "
                    self._note(feed, "close", f"{left}after the end were over")
                if feed.missed:
                    self._note(
                        feed, "scalars", f"{feed.missed} calls were dropped: it is slower "
                        "than the training",
                    )  # fmt: skip

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Sends the numbers of a step."""
        self._drop_those_that_failed()
        for feed in self._feeds:
            feed.call("scalars", step, dict(values))

    def images(self, step: int, name: str, images: NDArray[np.uint8]) -> None:
        """Sends pictures: (count, height, width, channels)."""
        self._drop_those_that_failed()
        for feed in self._feeds:
            feed.call("images", step, name, images.copy())

    def settle(self) -> None:
        """Gives them a moment, so that what a checkpoint vouches for has arrived."""
        end = time.monotonic() + AT_A_CHECKPOINT
        for feed in self._feeds:
            feed.settle(end - time.monotonic())

    def _drop_those_that_failed(self) -> None:
        for feed in tuple(self._feeds):
            if feed.failure is None:
                continue
            self._feeds.remove(feed)
            feed.call("close")
            method, reason = feed.failure
            self._run.note_failure(
                {"tracker": feed.name, "hook": method, "error": reason}
            )
            self._say(
                f'tracker "{feed.name}" failed in {method} and was dropped; the run goes '
                f"on ({reason})"
            )

    def _note(self, feed: _Feed, method: str, reason: str) -> None:
        self._run.note_failure({"tracker": feed.name, "hook": method, "error": reason})
        self._say(f'tracker "{feed.name}": {reason}')


class _Feed:
    """One tracker, its thread and what waits for it.

    Attributes:
        failure: the method that failed, and why; None while all is well. Nothing is
            called after it.
        missed: calls that were dropped because too many waited.
    """

    def __init__(self, name: str, tracker: Tracker) -> None:
        self.name = name
        self.failure: tuple[str, str] | None = None
        self.missed = 0
        self.thread = threading.Thread(
            target=self._work, name=f"tracker {name}", daemon=True
        )
        self._tracker = tracker
        self._calls: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._is_busy = False
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """Calls that it has not finished."""
        return len(self._calls) + self._is_busy

    def call(self, method: str, *arguments: Any) -> None:
        """Lets a call wait for its turn, or drops it where too many do."""
        with self._changed:
            if len(self._calls) < WAITING or method == "close":
                self._calls.append((method, arguments))
                self._changed.notify_all()
            else:
                self.missed += 1

    def settle(self, seconds: float) -> None:
        """Waits until nothing waits any more, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: not self.waiting, max(0.0, seconds))

    def _work(self) -> None:
        method = ""
        while method != "close":
            with self._changed:
                self._changed.wait_for(lambda: self._calls)
                method, arguments = self._calls.popleft()
                self._is_busy = True
            if self.failure is None:
                try:
                    getattr(self._tracker, method)(*arguments)
                except BaseException as error:  # CancelledError is no Exception
                    self.failure = (method, in_short(error))
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()


class _Aside:
    """Standard output for all but some threads, whose prints go to standard error."""

    def __init__(self, output: Any, threads: frozenset[threading.Thread]) -> None:
        self._output = output
        self._threads = threads

    def __getattr__(self, name: str) -> Any:
        aside = threading.current_thread() in self._threads
        return getattr(sys.stderr if aside else self._output, name)
