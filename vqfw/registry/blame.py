"""Whose code a traceback passed through, so that a defect is reported to the right people."""

from __future__ import annotations

from traceback import walk_tb

from vqfw.registry.hooks import observer_entries
from vqfw.registry.index import Entry, index


def blame(error: BaseException) -> str | None:
    """A sentence about the component or observer of another package that an error came through.

    Args:
        error: as caught.

    Returns:
        None where only vqfw and libraries took part.
    """
    entries = (*index().entries, *observer_entries())
    ours = {_top(entry) for entry in entries if entry.first_party}
    theirs: dict[str, Entry] = {}
    for entry in entries:
        if not entry.first_party and _top(entry) not in ours:
            theirs.setdefault(_top(entry), entry)
    found = None
    for frame, line in walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        owner = theirs.get(module.partition(".")[0])
        if owner is not None:
            found = owner, f"{frame.f_code.co_filename}:{line}"
    if found is None:
        return None
    entry, place = found
    repair = f"repair {entry.file}" if entry.file else "report it to its authors"
    return f"this error came through {entry.owner} ({place}), not from vqfw: {repair}"


def _top(entry: Entry) -> str:
    return entry.target.partition(":")[0].partition(".")[0]
