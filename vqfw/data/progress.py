"""Shows how many pictures have been read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vqfw.streams import forgiving, tell


@contextmanager
def reading_progress(quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """Gives a function that takes the number of pictures read so far.

    In a terminal the count is shown in place; elsewhere a line comes every thousand.

    Args:
        quiet: whether to show nothing.
    """
    if quiet:
        yield None
        return
    stderr = forgiving(sys.stderr)
    if not stderr.isatty():
        yield _line_every_thousand
        return
    from rich.console import Console

    with Console(file=stderr).status("reading pictures") as status:
        yield lambda count: status.update(f"reading pictures: {count:,}")


def _line_every_thousand(count: int) -> None:
    if count % 1000 == 0:
        tell(f"reading pictures: {count:,}")
