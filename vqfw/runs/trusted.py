"""Plugin files that this person has run on this machine, by checksum, and a signing key.

Both lie in a private folder outside of every run, so that no run can bring them along. The
key signs the records of runs that are made here. Without a home, or where the folder cannot
be written, no file is trusted, and everything else works.
"""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from vqfw.runs.places import state_folder

_KEY, _PLUGINS = "key", "plugins"
_KEY_BYTES = 32


def trust(sha256: str, path: str) -> None:
    """Records that this person has run a plugin file.

    Args:
        sha256: of its bytes.
        path: of the file.
    """
    with suppress(OSError):  # the file has to be named again next time
        path_of = _folder(_PLUGINS) / sha256
        os.replace(_beside(path_of, os.fsencode(path)), path_of)


def trusted_path(sha256: str) -> str | None:
    """The path at which this person last ran a plugin file of a checksum, or None."""
    folder = state_folder()
    if folder is None:
        return None
    try:
        return os.fsdecode((folder / _PLUGINS / sha256).read_bytes())
    except (OSError, ValueError):
        return None


def signature(content: bytes) -> str:
    """The signature of some bytes with this person's key.

    Raises:
        OSError: if there is no home, or the key can neither be read nor made.
    """
    path = _folder() / _KEY
    key = _key(path)
    if key is None:
        beside = _beside(path, secrets.token_bytes(_KEY_BYTES))
        try:
            # Another process may have made the key meanwhile; that one stays.
            os.link(beside, path)
        except FileExistsError:
            pass
        finally:
            beside.unlink()
        key = _key(path)
    if key is None:
        raise OSError(None, f"it does not hold {_KEY_BYTES} bytes", str(path))
    return hmac.digest(key, content, "sha256").hex()


def is_signed(content: bytes, signed: object) -> bool:
    """Whether a signature of some bytes was made with this person's key."""
    folder = state_folder()
    key = None if folder is None else _key(folder / _KEY)
    if key is None or not isinstance(signed, str) or not signed.isascii():
        return False
    return hmac.compare_digest(hmac.digest(key, content, "sha256").hex(), signed)


def _key(path: Path) -> bytes | None:
    with suppress(OSError):
        key = path.read_bytes()
        return key if len(key) == _KEY_BYTES else None
    return None


def _folder(name: str = "") -> Path:
    """The private folder, or one below it, made where it is missing."""
    folder = state_folder()
    if folder is None:
        raise OSError(None, "there is no home", "~")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = folder / name
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _beside(path: Path, content: bytes) -> Path:
    """Writes a file under a random name, to be moved to its place."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with open(
        os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
    ) as file:
        file.write(content)
    return beside
