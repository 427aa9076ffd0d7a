"""Chooses how the progress of training is shown."""

from __future__ import annotations

import sys

from vqfw.streams import forgiving
from vqfw.training.progress import EpochLines, Progress


def progress_for(quiet: bool, total: int, done: int, epochs: int) -> Progress:
    """Shows progress as stderr allows: a bar, a line in a notebook, lines, or nothing."""
    if quiet:
        return Progress()
    if type(sys.stderr).__module__.startswith("ipykernel."):
        return EpochLines(total, done, epochs, rewrites=True)
    if not forgiving(sys.stderr).isatty():
        return EpochLines(total, done, epochs)
    from vqfw.training.bar import Bar

    return Bar(total, done, epochs)
