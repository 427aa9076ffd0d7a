"""How many codes a book may have that is counted but stored nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from vqfw.errors import KeyPath, Problem

# Usage is counted code by code, in four bytes each: 16 Mi codes are 64 MiB.
MOST_CODES = 1 << 24


def too_many_codes(codes: int, path: KeyPath, help: str) -> Iterator[Problem]:
    """A problem where one book has more codes than can be counted.

    Args:
        codes: in the book.
        path: the option that makes them so many.
        help: the repair.
    """
    if codes > MOST_CODES:
        yield Problem(
            "too-many-codes",
            f"a book of {codes:,} codes is too large to count their use: up to "
            f"{MOST_CODES:,} can be",
            path,
            help=help,
        )
