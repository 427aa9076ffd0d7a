"""Text for a terminal: as wide as it is, broken between items and never inside one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

BETWEEN = " · "
"""What separates the items of a line."""


def flowed(items: Iterable[str], width: int) -> Iterator[str]:
    """Lines of items, as many in each as fit.

    >>> list(flowed(["loss 0.5", "usage 0.75", "dead 4"], 22))
    ['loss 0.5 · usage 0.75', 'dead 4']

    Args:
        items: in their order; one wider than the line has a line of its own.
        width: columns of the line.
    """
    from rich.cells import cell_len

    line = ""
    for item in items:
        longer = f"{line}{BETWEEN}{item}" if line else item
        if line and cell_len(longer) > width:
            yield line
            longer = item
        line = longer
    if line:
        yield line
