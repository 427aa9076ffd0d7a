"""Where a call of the API tells what happens: stderr, a function of the caller, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vqfw.errors import ExperimentError
from vqfw.problems.printing import render
from vqfw.streams import tell

Say = Callable[[str], None]
"""Takes a sentence for a person."""


def speaker(quiet: bool, say: Say | None) -> Say:
    """``say`` if it is given; else a function that writes to stderr, or drops the text if quiet."""
    return say or (_drop if quiet else tell)


def _drop(text: str) -> None:
    """Takes a sentence that nobody asked for."""


@contextmanager
def problems_in_full() -> Iterator[None]:
    """Adds to an ``ExperimentError`` what the command line prints: places, carets, repairs."""
    try:
        yield
    except ExperimentError as error:
        error.add_note(render(error.problems))
        raise
