"""Reads and writes files of a run: whole or not at all, and through no link.

A run folder may come from a stranger. A file is written beside its place under a random
name and then moved: a link there, or a hard link to a file elsewhere, is replaced and not
written through. Only regular files that lie in the folder itself are read.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_BESIDE = re.compile(r"\..+\.[0-9a-f]{16}\.tmp\Z")
# Records are far smaller.
MOST_BYTES = 64 << 20


def write_whole(path: Path, content: bytes, durable: bool = True) -> None:
    """Replaces a file so that a reader, or a crash, sees the old or the new content.

    Args:
        path: of the file; its folder exists.
        content: all of it.
        durable: whether it is synced; without, a power cut may leave an empty file.
    """
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.tmp")
    try:
        with open(beside, "xb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    if durable:
        sync_folder(path.parent)


def sweep(folder: Path) -> None:
    """Removes unfinished files of processes that were killed."""
    with suppress(OSError):
        for name in filter(_BESIDE.match, os.listdir(folder)):
            (folder / name).unlink(missing_ok=True)


def open_own(path: Path, flags: int) -> int:
    """Opens a file of a run, and refuses a link, a pipe or a device.

    Args:
        path: of the file.
        flags: as ``os.open`` takes them.

    Returns:
        A handle, which the caller closes.

    Raises:
        OSError: if it is no regular file, or as ``os.open`` does.
    """
    # Opening a device may change its state, so it is checked first.
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link", str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # where the system has them
        flags |= getattr(os, name, 0)
    handle = os.open(path, flags, 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return handle


def read_own(path: Path, most: int | None = MOST_BYTES) -> bytes:
    """Reads a file of a run.

    Args:
        path: of the file.
        most: bytes that it may have; None for any number.

    Raises:
        OSError: if it is missing, larger, a link or no regular file.
    """
    with open(open_own(path, os.O_RDONLY), "rb") as file:
        if most is not None and os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
        return file.read()


def outward_paths(folder: Path) -> Iterator[tuple[Path, str]]:
    """Links that lead out of a folder, and what is neither file nor folder, each with a reason.

    Args:
        folder: may be a link itself; its target is searched.
    """
    real = os.path.realpath(folder)
    for parent, folders, files in os.walk(real):  # into no link
        for path in (Path(parent, name) for name in (*folders, *files)):
            seen = folder / path.relative_to(real)
            if path.is_symlink():
                target = os.path.realpath(path)
                if not Path(target).is_relative_to(real):
                    yield seen, f"is a link to {target}"
            elif not path.is_dir() and not path.is_file() and os.path.lexists(path):
                yield seen, "is neither a file nor a folder"


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """``write_whole`` for a JSON object; keys keep their order."""
    write_whole(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object that ``write_json`` wrote.

    Raises:
        OSError: as ``read_own`` does.
        ValueError: if it is no JSON, or something else than an object.
    """
    try:
        value = json.loads(read_own(path).decode("utf-8"), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("it does not hold a JSON object")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def sync_folder(folder: Path) -> None:
    """Makes a rename in a folder survive a power cut, where the system can."""
    if os.name == "nt":  # Windows cannot open a folder
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
