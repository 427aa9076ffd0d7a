"""The processes of a study, one for each run, so that a crash ends one run alone."""

from __future__ import annotations

import json
import linecache
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
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
from vqfw.training.signals import handled

# -P: a file of the working folder is not imported in place of a library.
_VQFW = (sys.executable, "-P", "-m", "vqfw")
_ERRORS = {2: UsageError, 3: PluginError, 4: DataError}


@dataclass(frozen=True)
class Call:
    """The options of ``vqfw study``.

    Args:
        file: of the study.
        overrides: of ``--set``.
        plugins: of ``--plugin``.
        jobs: of ``--jobs``, the number of runs at the same time.
    """

    file: Path
    overrides: Sequence[str] = ()
    plugins: Sequence[str] = ()
    jobs: int = 1

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of ``vqfw`` that all processes of the study share."""
        options = [word for each in self.overrides for word in ("--set", each)]
        options += [word for each in self.plugins for word in ("--plugin", each)]
        return ("study", str(self.file), *options)

    def __str__(self) -> str:
        """The command to paste."""
        jobs = ["--jobs", str(self.jobs)] if self.jobs > 1 else []
        return shlex.join(["vqfw", *self.arguments, *jobs])


class Children:
    """Starts processes and sends signals on to those that are running.

    Args:
        arguments: of ``vqfw``, without the one that selects a run.
        root: the folder that holds ``checkpoints/``.
    """

    def __init__(self, arguments: Sequence[str], root: Path) -> None:
        self._arguments = tuple(arguments)
        self._environment = {**os.environ, "VQFW_ROOT": str(root)}
        self._processes: set[subprocess.Popen[bytes]] = set()
        self.stopped_by: int | None = None

    def listening(self) -> AbstractContextManager[None]:
        """Handles Ctrl-C and SIGTERM until the end of the block; in the main thread alone."""
        return handled(self._hear, "SIGINT", "SIGTERM")

    def run(self, point_id: str, log: Path, cores: Collection[int] = ()) -> int:
        """Trains one run in a process; several threads may call it at once.

        Args:
            point_id: of the run.
            log: file to which its output is appended.
            cores: of the processor, for the process and the calling thread from now on;
                empty: all that the thread may use.

        Returns:
            Exit status of the process; -N if signal N killed it.
        """
        command = [*_VQFW, *self._arguments, "--point", point_id]
        confine(cores)
        handle = open_own(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        with open(handle, "ab") as output:
            # A session of its own: Ctrl-C of the terminal reaches it once, through ``_hear``.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
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
        """Checks every run in a process, as ``vqfw plan`` does, with its components.

        Raises:
            VqfwError: the error of that process.
        """
        process = subprocess.run(
            [*_VQFW, *self._arguments, "--check", "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self._environment,
        )
        code = process.returncode
        if code == 0:
            return
        try:
            answer = json.loads(process.stdout)
        except ValueError:
            last = (process.stderr.strip().splitlines() or ["no output"])[-1]
            fact = f"the check of the runs ended with code {code}: {last}"
            raise VqfwError(fact) from None
        if "problems" in answer:
            raise ExperimentError([_problem(each) for each in answer["problems"]])
        raise _ERRORS.get(code, VqfwError)(str(answer.get("error")))

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Sends a signal to all running processes and does not wait."""
        for process in tuple(self._processes):
            _pass_on(process, number)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.stopped_by = number
        self.stop(number)


def _pass_on(process: subprocess.Popen[bytes], number: int) -> None:
    """Sends a signal on; on Windows SIGTERM, the only one that another group receives."""
    process.send_signal(signal.SIGTERM if os.name == "nt" else number)


def last_words(log: Path) -> str:
    """The last line of a log that is not blank."""
    try:
        lines = log.read_text("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _problem(data: Mapping[str, Any]) -> Problem:
    """A problem of another process, with its source line."""
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
