"""Pictures in a folder, a zip or a tar file, read in one pass and never unpacked.

Nothing is written: the name of a member becomes an id, not a path. Other files, and
devices, pipes and links in an archive, are left out and counted. Names that lead out of the
archive, repeated names and giant members are refused. Nothing is decoded here.
"""

from __future__ import annotations

import hashlib
import lzma
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
from typing import Any, BinaryIO, cast

from vqfw.errors import DataError
from vqfw_datasets import folders
from vqfw_datasets.left_out import LeftOut

PICTURES = (
    ".bmp", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm",
    ".webp",
)  # fmt: skip
"""Endings of the names of pictures, in the formats that are decoded."""

MEMBER_BYTES = 64 * 1024 * 1024
"""Far above the size of any picture of a face; a decompression bomb is larger."""
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


Opener = Callable[[], BinaryIO]


@dataclass(frozen=True)
class _Entry:
    """A file whose name is not checked yet."""

    raw_name: str
    size: int
    open: Opener
    other: str = ""  # its kind, if it is no regular file that may be opened


def members(
    path: Path, left_out: LeftOut | None = None
) -> Iterator[tuple[str, Opener]]:
    """All pictures of a folder (with its sub-folders), a zip or a tar file.

    Hidden files and folders and ``__MACOSX`` are ignored. Symbolic links in a folder are
    followed, those in an archive are left out.

    Args:
        path: the folder or the archive; a tar may be compressed.
        left_out: counts the other files.

    Returns:
        The relative path of each, with forward slashes and without ``..``, and a function
        that opens it; call it before asking for the next one.

    Raises:
        DataError: if there is no such path, it is no archive, it is damaged, or a member
            has an unsafe or repeated name or more than 64 MB; or if a sub-folder cannot
            be read.
    """
    left_out = LeftOut() if left_out is None else left_out
    seen: set[str] = set()
    for number, entry in enumerate(_entries(path), start=1):
        if number > MEMBER_COUNT:
            raise DataError(
                f"{path} holds more than {MEMBER_COUNT:,} files: give a smaller one"
            )
        if entry.other or not entry.raw_name.lower().endswith(PICTURES):
            _note(entry, left_out)
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
        yield name, entry.open


def _note(entry: _Entry, left_out: LeftOut) -> None:
    name = entry.raw_name.replace("\\", "/")
    if _is_hidden(name.removeprefix("./")):
        return
    if entry.other:
        left_out.add(entry.other, name)
    else:
        left_out.add_file(name)


def fingerprint(path: Path) -> str:
    """A SHA-256 that changes with the pictures and with the files that are left out.

    For an archive it hashes the file; for a folder all names, and the sizes and times of
    its pictures, without reading them.

    Raises:
        DataError: if the path does not exist or cannot be read.
    """
    _require(path)
    digest = hashlib.sha256()
    with _damage_named(path):
        if path.is_dir():
            for line in sorted(_listing(path)):
                digest.update(line.encode(errors="surrogatepass"))
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
    try:
        mode = path.stat().st_mode
    except OSError as error:
        fact = (
            "does not exist"
            if isinstance(error, FileNotFoundError | NotADirectoryError)
            else f"cannot be read ({error.strerror})"
        )
        raise DataError(f"{path} {fact}: correct the path to the pictures") from error
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise DataError(
            f"{path} is neither a folder nor a regular file: give the path of a folder or "
            "an archive of pictures"
        )


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turns the errors of any archive library into a ``DataError`` with the path."""
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
    for file in folders.files(path):
        yield _Entry(file.name, file.size, partial(_open_file, file.path), file.other)


def _in_zip(path: Path) -> Iterator[_Entry]:
    with _damage_named(path):
        archive = zipfile.ZipFile(path)
    with archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            opened = partial(_open, archive.open, info, path)
            other = _other(stat.S_IFMT(info.external_attr >> 16))
            # ``filename`` is cut at a NUL; this name still has it, so it is refused.
            yield _Entry(info.orig_filename, info.file_size, opened, other)


def _other(kind: int) -> str:
    """The kind of a zip member by its mode, which may be missing."""
    if kind in (0, stat.S_IFREG):
        return ""
    return "link" if kind == stat.S_IFLNK else "special file"


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
            if info.isdir():
                continue
            opened = partial(_open, archive.extractfile, info, path)
            link = "link" if info.issym() or info.islnk() else "special file"
            yield _Entry(info.name, info.size, opened, "" if info.isreg() else link)


class _BoundedHeader(tarfile.TarInfo):
    """A header whose extension has a bounded size in memory."""

    @classmethod
    def frombuf(
        cls, buf: bytes | bytearray, encoding: str, errors: str
    ) -> _BoundedHeader:
        info = super().frombuf(buf, encoding, errors)
        if info.type in _EXTENDED_HEADERS and info.size > _EXTENDED_HEADER_BYTES:
            raise tarfile.TarError(f"a name of {info.size:,} bytes")
        return info


def _listing(path: Path) -> Iterator[str]:
    """A line for each file, with size and time of a picture."""
    for file in folders.files(path):
        if file.other or not file.name.lower().endswith(PICTURES):
            yield f"{file.name}\0{file.other or 'no picture'}\n"
        else:
            yield f"{file.name}\0{file.size}\0{file.modified}\n"


def _open_file(path: str) -> BinaryIO:
    return open(path, "rb")


def _open(opened: Callable[[Any], Any], info: Any, path: Path) -> BinaryIO:
    with _damage_named(path):
        return cast(BinaryIO, opened(info))
