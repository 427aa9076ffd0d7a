"""What a call of the API tells a person, and the problems of an experiment in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vqfw.errors import ExperimentError
from vqfw.problems.printing import render
from vqfw.streams import tell

Say = Callable[[str], None]
"""Takes a sentence for a person."""


def speaker(quiet: bool) -> Say:
    """What takes the sentences of a call: stderr, or nothing if it is to be quiet."""
    return (lambda text: None) if quiet else tell


@contextmanager
def problems_in_full() -> Iterator[None]:
    """Adds to an ``ExperimentError`` what the command line prints: places, carets, repairs."""
    try:
        yield
    except ExperimentError as error:
        error.add_note(render(error.problems))
        raise
