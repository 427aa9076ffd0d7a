"""The largest book of a quantizer that stores no codes."""

from __future__ import annotations

from collections.abc import Iterator

from vqfw.errors import KeyPath, Problem

# Usage takes four bytes a code: 64 MiB for 16 Mi codes.
MOST_CODES = 1 << 24


def too_many_codes(codes: int, path: KeyPath, help: str) -> Iterator[Problem]:
    """Reports a book with more codes than usage is counted for.

    Args:
        codes: in the book.
        path: of the option that sets their number.
        help: the repair.
    """
    if codes > MOST_CODES:
        yield Problem(
            "too-many-codes",
            f"a book of {codes:,} codes is too large: at most {MOST_CODES:,} are allowed",
            path,
            help=help,
        )
