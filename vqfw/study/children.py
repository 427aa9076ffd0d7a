"""The processes of a study: one a run, so that a crash or lack of memory costs one run."""

from __future__ import annotations

import json
import linecache
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from vqfw.errors import (
    DataError,
    ExperimentError,
    Place,
    PluginError,
    Problem,
    UsageError,
    VqfwError,
)
from vqfw.runs.files import open_own
from vqfw.study.cores import confine

# -P: a file in the working folder must not pass for a library.
_VQFW = (sys.executable, "-P", "-m", "vqfw")
_ERRORS = {2: UsageError, 3: PluginError, 4: DataError}


class Children:
    """Starts processes and passes requests to stop on to all that are running.

    Args:
        arguments: of ``vqfw study``, up to what a single process is to do.
        root: the folder that holds ``checkpoints/``.
    """

    def __init__(self, arguments: Sequence[str], root: Path) -> None:
        self._arguments = tuple(arguments)
        self._environment = {**os.environ, "VQFW_ROOT": str(root)}
        self._processes: set[subprocess.Popen[bytes]] = set()
        self.stopped_by: int | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hears Ctrl-C and SIGTERM until the end of the block, where Python can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._hear) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run(self, point_id: str, log: Path, cores: Collection[int] = ()) -> int:
        """Trains one run to its end; several threads may call it at once.

        Args:
            point_id: which.
            log: gets all that it says, after what is there.
            cores: of the processor that it may use, and its thread from now on; where
                none is named, all that the thread may use.

        Returns:
            Its exit status; below 0 the signal that killed it.
        """
        command = [*_VQFW, *self._arguments, "--point", point_id]
        confine(cores)
        handle = open_own(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        with open(handle, "ab") as said:
            # A session of its own: a terminal's Ctrl-C reaches it once, through us.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        self._processes.add(process)
        if self.stopped_by is not None:
            _pass_on(process, self.stopped_by)
        try:
            return process.wait()
        finally:
            self._processes.discard(process)

    def check(self) -> None:
        """Lets a process check every run as ``vqfw plan`` does, with its components.

        Raises:
            VqfwError: what that process found, as it would be raised here.
        """
        found = subprocess.run(
            [*_VQFW, *self._arguments, "--check", "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self._environment,
        )
        if found.returncode == 0:
            return
        try:
            told = json.loads(found.stdout)
        except ValueError:
            last = (found.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise VqfwError(
                f"the check of the runs ended with code {found.returncode}: {last}"
            ) from None
        if "problems" in told:
            raise ExperimentError([_problem(each) for each in told["problems"]])
        raise _ERRORS.get(found.returncode, VqfwError)(str(told.get("error")))

    def stop(self) -> None:
        """Asks all that are running to save and end; waits for nothing."""
        for process in tuple(self._processes):
            process.send_signal(signal.SIGTERM)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.stopped_by = number
        for process in tuple(self._processes):
            _pass_on(process, number)


def _pass_on(process: subprocess.Popen[bytes], number: int) -> None:
    """Windows sends no Ctrl-C to a process of another group; it can end one."""
    process.send_signal(signal.SIGTERM if os.name == "nt" else number)


def last_words(log: Path) -> str:
    """The last line of a log that says something."""
    try:
        text = log.read_text("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _problem(data: Mapping[str, Any]) -> Problem:
    """A problem that another process found, with its line read again."""
    place = None
    if data["source"] is not None:
        line = data["line"] or 0
        excerpt = linecache.getline(data["source"], line) if line else data["source"]
        where = (line, data["column"] or 0, data["length"] or 0)
        place = Place(data["source"], *where, excerpt.rstrip("\r\n"))
    return Problem(
        data["code"],
        data["message"],
        tuple(data["keys"]),
        data["help"],
        data["note"],
        place,
        data["severity"],
    )
