"""Everything that vqfw raises on purpose, and the exit code each one ends with.

    VqfwError                 1  the run failed
    ├── ExperimentError       2  the experiment or the command line is wrong
    ├── UsageError            2  the command line asks for what cannot be done
    ├── PluginError           3  a component is missing, broken or in conflict
    ├── DataError             4  the data is missing or cannot be used
    ├── RunError              2  the run asked for does not exist, is taken or in use
    │   ├── UnwritableError   2  nothing can be written into the run
    │   └── RecordError       1  a record of the run is missing or damaged
    ├── CheckpointError       1  nothing valid to load, or it does not fit the model
    ├── OutputLost            1  stdout cannot be written
    ├── NonFiniteError        1  the training left the finite numbers
    └── Interrupted     130/143  a signal ended the run, after a checkpoint

Each carries one sentence with the fact, the values on both sides, and the repair. The
command line prints that sentence and no traceback; anything else that escapes is a
defect of ours or of a plugin, and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

KeyPath = tuple[str | int, ...]


def dotted(path: KeyPath) -> str:
    """A path in the form of ``--set``: ``losses[0].type``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass(frozen=True)
class Place:
    """Where a value was written.

    Args:
        source: the file as the user named it, or the command-line argument.
        line: counted from 1; 0 where lines mean nothing (a command-line argument).
        column: counted from 1, in characters.
        length: characters that the caret line underlines.
        excerpt: the text of that line, without its line end.
    """

    source: str
    line: int
    column: int
    length: int
    excerpt: str

    def __str__(self) -> str:
        """``file:line:column``, or the argument alone."""
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an experiment, with its repair.

    A component's ``check`` returns problems with a path relative to its own options; the
    engine puts the path of its slot in front and finds the place.

    Args:
        code: a short stable name such as ``unknown-key``.
        message: the fact, with the value that was given and the one that was needed.
        path: keys and list indices from the root of the experiment to the value.
        help: the repair, ready to type.
        note: what is allowed, or where the rule comes from.
        place: where the value was written; None until the engine has looked it up.
        severity: an ``error`` stops the run, a ``warning`` is printed and recorded.
    """

    code: str
    message: str
    path: KeyPath = ()
    help: str = ""
    note: str = ""
    place: Place | None = None
    severity: str = "error"

    def under(self, prefix: KeyPath) -> Problem:
        """The same problem, seen from further up."""
        return replace(self, path=(*prefix, *self.path))


class VqfwError(Exception):
    """The root: one sentence for a person, one exit code for a script."""

    exit_code: ClassVar[int] = 1


class ExperimentError(VqfwError):
    """All problems of an experiment, at once.

    Args:
        problems: at least one, in the order in which they should be read.
    """

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(_one_line(problem) for problem in self.problems))


class UsageError(VqfwError):
    """The command line asks for something impossible, such as an unknown name."""

    exit_code = 2


class PluginError(VqfwError):
    """A component that the experiment names is missing, broken or in conflict."""

    exit_code = 3


class DataError(VqfwError):
    """Images that are missing, empty or unreadable."""

    exit_code = 4


class RunError(VqfwError):
    """A run that does not exist, is already there, or is written by another process."""

    exit_code = 2


class UnwritableError(RunError):
    """A run into which nothing can be written; it can still be read."""


class RecordError(RunError):
    """A record of a run that is missing, damaged or something else."""

    exit_code = 1


class CheckpointError(VqfwError):
    """No valid state to load, or a state that does not fit the model."""


class OutputLost(VqfwError):
    """The output of a verb cannot be written to stdout."""


class NonFiniteError(VqfwError):
    """A loss or a weight became NaN or infinite; the last checkpoint is still good."""


class Interrupted(VqfwError):
    """A signal ended the run after its state was committed.

    Args:
        message: says what was kept and how to resume.
        signal_number: 2 for Ctrl-C, 15 for a request to end.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # it depends on the signal
        """128 and the signal's number, as shells say it."""
        return 128 + self.signal_number


def _one_line(problem: Problem) -> str:
    where = f"{problem.place}: " if problem.place else ""
    at = f" (at {dotted(problem.path)})" if problem.path else ""
    repair = f"; {problem.help}" if problem.help else ""
    return f"{where}{problem.message}{at}{repair}"


def in_short(error: BaseException) -> str:
    """The type and first line of an error: ``ValueError: too small``."""
    kind, words = type(error).__name__, first_line(error)
    return f"{kind}: {words}" if words else kind


def first_line(error: BaseException) -> str:
    """The first line of what an error says; Keras adds paragraphs, others whole files."""
    line = str(error).strip().partition("\n")[0].strip()
    return line if len(line) <= 200 else f"{line[:197]}..."
