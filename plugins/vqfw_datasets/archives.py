"""Pictures in a folder, a zip or a tar file, read in one pass and never unpacked.

Nothing is ever written: a member's name becomes an id, not a path. What is no regular
file (links, devices, pipes) is passed over, and what no honest archive holds (names that
climb out of it, names given twice, giant members) is refused. Decoding is not done here.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from vqfw.errors import DataError

PICTURES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".webp")
"""What the name of a picture ends in."""

MEMBER_BYTES = 64 * 1024 * 1024
"""No picture of a data set of faces comes near this size; a bomb does."""
MEMBER_COUNT = 1_000_000
"""Files in one folder or archive."""

# Long names and times fit into a few hundred bytes; tarfile reads these whole.
_EXTENDED_HEADER_BYTES = 1024 * 1024
_EXTENDED_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,  # zipfile: encrypted; also NotImplementedError for its compression
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class Member:
    """A picture in a folder or an archive.

    Args:
        name: relative path with forward slashes; no part of it is ``..``.
        open: gives the bytes; to be called before the next member is asked for.
    """

    name: str
    open: Callable[[], BinaryIO]


@dataclass(frozen=True)
class _Entry:
    """A regular file, before its name was looked at."""

    raw_name: str
    size: int
    open: Callable[[], BinaryIO]


def members(path: Path) -> Iterator[Member]:
    """All pictures of a folder (with its sub-folders), a zip or a tar file.

    Hidden files and folders and ``__MACOSX`` are left out.

    Args:
        path: the folder or the archive; a tar may be compressed.

    Raises:
        DataError: if there is no such path, it is no archive, it is damaged, or a member
            has an unsafe name, a name that occurred before, or more than 64 MB.
    """
    seen: set[str] = set()
    for number, entry in enumerate(_entries(path), start=1):
        if number > MEMBER_COUNT:
            raise DataError(
                f"{path} holds more than {MEMBER_COUNT:,} files: give a smaller one"
            )
        if not entry.raw_name.lower().endswith(PICTURES):
            continue
        name = safe_name(entry.raw_name, path)
        if _is_hidden(name):
            continue
        if name in seen:
            raise DataError(
                f"{path} holds {name!r} twice: rename or remove one of them"
            )
        if entry.size > MEMBER_BYTES:
            raise DataError(
                f"{name!r} in {path} takes {entry.size:,} bytes, and "
                f"{MEMBER_BYTES:,} are allowed: remove it or store it smaller"
            )
        seen.add(name)
        yield Member(name, entry.open)


def fingerprint(path: Path) -> str:
    """A SHA-256 that changes when the pictures would.

    Of an archive it is the hash of the file; of a folder that of the names, sizes and
    times of its pictures, which does not read them.

    Raises:
        DataError: if the path does not exist or cannot be read.
    """
    _require(path)
    digest = hashlib.sha256()
    with _damage_named(path):
        if path.is_dir():
            for name, size, modified in sorted(_listing(path)):
                digest.update(f"{name}\0{size}\0{modified}\n".encode(errors="replace"))
            return digest.hexdigest()
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def safe_name(name: str, path: Path) -> str:
    r"""The name as a relative path with forward slashes.

    >>> safe_name(".\\people\\one.jpg", Path("faces.zip"))
    'people/one.jpg'

    Raises:
        DataError: if the name is absolute, starts with a drive letter, climbs with
            ``..``, or holds a control character.
    """
    slashed = name.replace("\\", "/")
    parts = [part for part in slashed.split("/") if part not in ("", ".")]
    unsafe = (
        slashed.startswith("/")
        or re.match(r"[A-Za-z]:", slashed)
        or ".." in parts
        or any(ord(letter) < 32 or ord(letter) == 127 for letter in name)
    )
    if unsafe or not parts:
        raise DataError(
            f"{path} holds a file named {name!r}, which would lie outside of it: "
            "pack it again with plain relative names"
        )
    return "/".join(parts)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _require(path: Path) -> None:
    if not path.exists():
        raise DataError(f"{path} does not exist: correct the path to the pictures")


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Says which file could not be read, whatever library found out."""
    try:
        yield
    except _UNREADABLE as error:
        raise DataError(
            f"{path} cannot be read to its end ({error or type(error).__name__}): "
            "it is damaged or incomplete, fetch it again"
        ) from error


def _entries(path: Path) -> Iterator[_Entry]:
    _require(path)
    if path.is_dir():
        return _in_folder(path)
    with _damage_named(path), path.open("rb") as file:
        start = file.read(4)
    if start in (b"PK\3\4", b"PK\5\6"):
        return _in_zip(path)
    with _damage_named(path):
        if tarfile.is_tarfile(path):
            return _in_tar(path)
    raise DataError(
        f"{path} is neither a folder nor a zip nor a tar file: give one of these"
    )


def _in_folder(path: Path) -> Iterator[_Entry]:
    for folder, below, files in os.walk(path):
        below.sort()  # the order of the walk is ours, not the file system's
        for file in sorted(files):
            full = Path(folder, file)
            status = full.lstat()
            if stat.S_ISREG(status.st_mode):
                name = full.relative_to(path).as_posix()
                yield _Entry(name, status.st_size, partial(_open_file, full))


def _in_zip(path: Path) -> Iterator[_Entry]:
    with _damage_named(path):
        archive = zipfile.ZipFile(path)
    with archive:
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if not info.is_dir() and kind in (0, stat.S_IFREG):
                # The name before zipfile cut it at a NUL, so that the NUL is noticed.
                name = info.orig_filename
                opened = partial(_open_in_zip, archive, info, path)
                yield _Entry(name, info.file_size, opened)


def _in_tar(path: Path) -> Iterator[_Entry]:
    # "|": forward only, so that a compressed archive is decompressed once.
    with _damage_named(path):
        archive = tarfile.open(path, "r|*", tarinfo=_BoundedHeader)  # noqa: SIM115  # closed by the with below, which damage must not reach
    with archive:
        while True:
            with _damage_named(path):
                info = archive.next()
            if info is None:
                return
            archive.members.clear()  # type: ignore[attr-defined]  # it would keep all
            if info.isreg():
                opened = partial(_open_in_tar, archive, info, path)
                yield _Entry(info.name, info.size, opened)


class _BoundedHeader(tarfile.TarInfo):
    """A header whose extension cannot fill the memory."""

    @classmethod
    def frombuf(
        cls, buf: bytes | bytearray, encoding: str, errors: str
    ) -> _BoundedHeader:
        info = super().frombuf(buf, encoding, errors)
        if info.type in _EXTENDED_HEADERS and info.size > _EXTENDED_HEADER_BYTES:
            raise tarfile.TarError(f"a name of {info.size:,} bytes")
        return info


def _listing(path: Path) -> Iterator[tuple[str, int, int]]:
    for entry in _in_folder(path):
        if entry.raw_name.lower().endswith(PICTURES) and not _is_hidden(entry.raw_name):
            modified = (path / entry.raw_name).lstat().st_mtime_ns
            yield entry.raw_name, entry.size, modified


def _open_file(path: Path) -> BinaryIO:
    with _damage_named(path):
        return path.open("rb")


def _open_in_zip(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path
) -> BinaryIO:
    with _damage_named(path):
        return cast(BinaryIO, archive.open(info))


def _open_in_tar(
    archive: tarfile.TarFile, info: tarfile.TarInfo, path: Path
) -> BinaryIO:
    with _damage_named(path):
        return cast(BinaryIO, archive.extractfile(info))
