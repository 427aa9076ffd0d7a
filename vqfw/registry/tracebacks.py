"""Finds the package whose code raised an error, so that the right authors get the report."""

from __future__ import annotations

from collections.abc import Iterator
from traceback import walk_tb

from vqfw.registry.entries import Entry, index


def blame(error: BaseException) -> str | None:
    """A sentence that names the package of another author that an error came through.

    Args:
        error: as caught.

    Returns:
        None where only code of vqfw and of libraries ran.
    """
    entries = (*index().entries, *index().observers)
    ours = {_top(entry) for entry in entries if entry.first_party}
    theirs = {_top(entry): entry for entry in reversed(entries)}
    foreign = theirs.keys() - ours
    places = [(theirs[top], place) for top, place in _way(error) if top in foreign]
    if not places:
        return None
    entry, place = places[-1]
    repair = f"repair {entry.file}" if entry.file else "report it to its authors"
    return f"this error came through {entry.owner} ({place}), not from vqfw: {repair}"


def code_place(error: BaseException, entry: Entry) -> str:
    """Where in the code of a component an error came up, as `` at file:line``.

    Args:
        error: as caught.
        entry: the component.

    Returns:
        An empty text where its code did not run.
    """
    found = ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SyntaxError) and cause.filename:
            found = f" at {cause.filename}:{cause.lineno}"
        places = [at for package, at in _way(cause) if package == _top(entry)]
        found = f" at {places[-1]}" if places else found
        cause = cause.__cause__
    return found


def _way(error: BaseException) -> Iterator[tuple[str, str]]:
    """Top-level package and ``file:line`` of every frame that an error came through."""
    for frame, line in walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        yield module.partition(".")[0], f"{frame.f_code.co_filename}:{line}"


def _top(entry: Entry) -> str:
    return entry.target.partition(":")[0].partition(".")[0]
