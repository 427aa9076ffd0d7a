"""Paths of output that a person typed: checked before the work, written after it.

They follow links, as in any other program. Files of a run are written by ``files.py``.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vqfw.errors import UsageError, VqfwError
from vqfw.runs.files import write_whole


def checked_file(path: str | Path, repair: str = "choose another file with -o") -> Path:
    """The path of an output file; nothing is written yet.

    Args:
        path: as typed. A pipe or a device is written into, any other file replaced.
        repair: the end of the error message.

    Returns:
        An absolute path, links followed.

    Raises:
        UsageError: if the path is empty, a folder, write-protected, or in a folder that
            cannot be written or made.
    """
    with refused(path, repair):
        target = _resolved(path)
        if target.is_dir():
            raise UsageError(f"{path} is a folder: {repair}")
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(0, "it is write-protected")
        if not _is_special(target):
            _probe(target.parent)
    return target


def checked_folder(
    path: str | Path, repair: str = "choose another folder with -o"
) -> Path:
    """The path of an output folder; nothing is made yet.

    Args:
        path: as typed.
        repair: the end of the sentence that refuses it.

    Returns:
        An absolute path, links followed.

    Raises:
        UsageError: if the path is empty, no folder, or cannot be written or made.
    """
    with refused(path, repair):
        target = _resolved(path)
        if target.exists() and not target.is_dir():
            raise UsageError(f"{path} is not a folder: {repair}")
        _probe(target)
    return target


def require_free(
    paths: Sequence[Path], repair: str = "choose another folder with -o"
) -> None:
    """Refuses to write files whose names this program chose over files that are there.

    Raises:
        UsageError: naming the first file that exists, and counting the others.
    """
    taken = [path for path in paths if os.path.lexists(path)]
    if taken:
        others = f" and {len(taken) - 1:,} more" if taken[1:] else ""
        verb = "exist" if taken[1:] else "exists"
        raise UsageError(
            f"{taken[0]}{others} {verb} already: {repair}, or move it away"
        )


@contextmanager
def refused(path: str | Path, repair: str) -> Iterator[None]:
    """Turns an ``OSError`` of writing to a path into a ``UsageError``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{path} cannot be written ({reason}): {repair}") from error


def write_output(path: Path, content: bytes) -> None:
    """Writes a file that ``checked_file`` placed, whole or not at all.

    A pipe or a device is written into, never replaced.

    Raises:
        VqfwError: if it cannot be written now; a regular file stays as it was.
    """
    try:
        if _is_special(path):
            with path.open("wb") as file:
                file.write(content)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise VqfwError(
            f"{path} cannot be written ({error.strerror}): make room, or choose another "
            "file"
        ) from error


def _resolved(path: str | Path) -> Path:
    if not str(path):
        raise UsageError("the output has no name: give one, or leave -o out")
    try:
        place = Path(path).absolute()
        # A pipe of the shell, /dev/fd/63, is a link that leads to no path.
        return place if _is_special(place) else place.resolve()
    except (ValueError, RuntimeError) as error:  # a NUL; a link to itself
        raise OSError(0, str(error)) from error


def _is_special(path: Path) -> bool:
    """Whether the path is a folder, a pipe or a device."""
    return path.exists() and not stat.S_ISREG(path.stat().st_mode)


def _probe(folder: Path) -> None:
    """Writes a nameless file into a folder, or into its nearest parent that exists."""
    while not folder.exists():
        folder = folder.parent
    tempfile.TemporaryFile(dir=folder).close()
