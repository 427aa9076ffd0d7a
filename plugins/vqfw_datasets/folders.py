"""The files of a folder and all folders below it, symbolic links followed.

Every file and folder is listed once, however many symbolic or hard links lead to it: so a
loop of links ends, and a picture that is linked into a second folder is not in two splits.
No file is opened.
"""

from __future__ import annotations

import errno
import heapq
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vqfw.errors import DataError

Identity = tuple[int, int | str]

_BROKEN = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@dataclass(frozen=True)
class File:
    """An entry of a folder that is no folder itself.

    Args:
        name: relative path with forward slashes, through links.
        path: absolute or relative to the working directory; as text, because objects for
            paths slow down the listing of a large folder.
        size: in bytes.
        modified: in nanoseconds.
        other: its kind, if it is no regular file or was listed before.
    """

    name: str
    path: str
    size: int = 0
    modified: int = 0
    other: str = ""


def files(root: Path) -> Iterator[File]:
    """All files below a folder, in an order that does not depend on the file system.

    Names that start with a dot, and ``__MACOSX``, are ignored. Targets of links come last.

    Raises:
        DataError: naming a folder that cannot be read.
    """
    with _readable(str(root), root):
        seen = {_identity(root.stat(), str(root))}
    folders = [("", str(root))]
    links: list[tuple[str, str]] = []
    while folders or links:
        if not folders:
            name, path = heapq.heappop(links)
            with _readable(path, root):
                found = _target(name, path, seen)
            if found is None:
                folders.append((f"{name}/", path))
            else:
                yield found
            continue
        prefix, folder = folders.pop()
        for name, path in _listed(prefix, folder, root):
            with _readable(folder, root):
                try:
                    status = os.lstat(path)
                except FileNotFoundError:  # removed since it was listed
                    continue
            identity = _identity(status, path)
            if stat.S_ISLNK(status.st_mode):
                heapq.heappush(links, (name, path))
            elif not stat.S_ISDIR(status.st_mode):
                # Some network drives give a number to several files, and one name each.
                again = status.st_nlink > 1 and identity in seen
                yield _file(name, path, status, "duplicate link" if again else "")
                seen.add(identity)
            elif identity not in seen:
                seen.add(identity)
                folders.append((f"{name}/", path))


@contextmanager
def _readable(path: str, root: Path) -> Iterator[None]:
    """Turns an ``OSError`` into a ``DataError`` with the folder and the repair."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): allow reading it, or move it out "
            f"of {root}"
        ) from error


def _listed(prefix: str, folder: str, root: Path) -> list[tuple[str, str]]:
    with _readable(folder, root):
        names = sorted(os.listdir(folder))
    return [
        (f"{prefix}{name}", os.path.join(folder, name))
        for name in names
        if not name.startswith(".") and name != "__MACOSX"
    ]


def _target(name: str, path: str, seen: set[Identity]) -> File | None:
    """The target of a link; None for a folder that is still to be listed."""
    try:
        status = os.stat(path)
    except OSError as error:
        if error.errno in _BROKEN:
            return File(name, path, other="broken link")
        raise
    identity = _identity(status, path)
    if identity in seen:
        return File(name, path, other="duplicate link")
    seen.add(identity)
    return None if stat.S_ISDIR(status.st_mode) else _file(name, path, status)


def _file(name: str, path: str, status: os.stat_result, other: str = "") -> File:
    if not stat.S_ISREG(status.st_mode):
        return File(name, path, other="special file")
    return File(name, path, status.st_size, status.st_mtime_ns, other)


def _identity(status: os.stat_result, path: str) -> Identity:
    """A value that is equal for two names of one file or folder."""
    # Some network drives give no numbers.
    return status.st_dev, status.st_ino or path
