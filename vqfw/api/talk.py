"""Prints the messages of API calls to stderr, and adds Python repairs to errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vqfw.errors import ExperimentError, VqfwError
from vqfw.problems.printing import render
from vqfw.streams import tell

Say = Callable[[str], None]
"""Takes a sentence for a person."""


def speaker(quiet: bool) -> Say:
    """The function that prints messages to stderr, or drops them if ``quiet``."""
    return (lambda text: None) if quiet else tell


@contextmanager
def problems_in_full() -> Iterator[None]:
    """Adds to an error what the command line prints, and its repairs in Python.

    An ``ExperimentError`` gets its places, carets and repairs.
    """
    try:
        yield
    except VqfwError as error:
        notes, repairs = [], str(error)
        if isinstance(error, ExperimentError):
            notes = [render(error.problems)]
            repairs = "\n".join(problem.help for problem in error.problems)
        for note in (*notes, *in_python(repairs)):
            if note not in getattr(error, "__notes__", ()):
                error.add_note(note)
        raise


def in_python(message: str) -> Iterator[str]:
    """A sentence for each command and option of a message: how Python says the same.

    >>> print(*in_python("set it with --set data.crop=null"))
    in Python, --set data.crop=null is experiment.set("data.crop", None)
    """
    message = re.sub(r"--set '([\w.\[\]]+=)", r"--set \1'", message)
    for command, path, text, verb, run in _COMMAND.findall(message):
        text, run = text.strip("'"), run.strip("'")
        call = f"{command[2:].replace('-', '_')}="
        if path:
            try:
                value = repr(json.loads(text))
            except ValueError:
                value = f'"{text}"'
            call = f'experiment.set("{path}", {value})'
        elif verb:
            method = "resume" if verb.startswith("run") else "evaluate"
            call = (
                f'vqfw.open_run("{run}").{method}(), of an array with images=, groups='
            )
        yield f"in Python, {command} is {call}"


_WORD = r"('[^']*'|[^\s,;)'\"]+)"
_COMMAND = re.compile(
    rf"(--set ([\w.\[\]]+)={_WORD}|vqfw (run --resume|eval --run) {_WORD}"
    r"|(?<!\S)--(?:name|data|data-path|crop|on-bad-image|weights|split)\b(?!-))"
)
