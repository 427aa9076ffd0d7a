"""Counts files that are no pictures by kind, with an example of each."""

from __future__ import annotations

from pathlib import PurePosixPath

_KINDS = 6  # named in the sentence; the others are counted


class LeftOut:
    """Counts files that are left out.

    >>> left_out = LeftOut()
    >>> for name in ("trip/1.heic", "trip/2.heic", "notes.txt"):
    ...     left_out.add_file(name)
    >>> left_out.add("broken link", "x.png")
    >>> print(left_out.sentence())
    left out: 2 .heic ('trip/1.heic', ...), 1 .txt ('notes.txt'), 1 broken link ('x.png')
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, str] = {}

    def add(self, kind: str, name: str) -> None:
        """Counts one.

        Args:
            kind: in the singular.
            name: its relative path; the first one of a kind is shown.
        """
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._first.setdefault(kind, name)

    def add_file(self, name: str) -> None:
        """Counts a regular file that is no picture, by its ending."""
        ending = PurePosixPath(name).suffix.lower()
        self.add(ending or "extensionless file", name)

    def sentence(self) -> str:
        """One sentence on all of them; empty where nothing was left out."""
        kinds = sorted(self._counts, key=lambda kind: (-self._counts[kind], kind))
        parts = [self._described(kind) for kind in kinds[:_KINDS]]
        if rest := kinds[_KINDS:]:
            files = sum(self._counts[kind] for kind in rest)
            parts.append(f"{files:,} of {len(rest):,} other kinds")
        return f"left out: {', '.join(parts)}" if parts else ""

    def _described(self, kind: str) -> str:
        count, first = self._counts[kind], self._first[kind]
        plural = "s" if count > 1 and not kind.startswith(".") else ""
        more = ", ..." if count > 1 else ""
        return f"{count:,} {kind}{plural} ({first!r}{more})"
