"""What a person has vouched for on this machine: plugin files by checksum, and a key.

Both lie in a folder of that person alone, outside of every run, so that nobody can send
them along with a run. The key signs the records of runs that are made here. Without a home,
or where the folder cannot be written, nothing is vouched for, and all else works.
"""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

_KEY, _PLUGINS = "key", "plugins"
_KEY_BYTES = 32


def state_folder() -> Path | None:
    """Where this person's records lie: VQFW_STATE, XDG_STATE_HOME, ~/.local/state.

    Returns:
        None where there is no home.
    """
    if own := os.environ.get("VQFW_STATE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_STATE_HOME")
    try:
        return (
            Path(base) if base else Path.home() / ".local/state"
        ).absolute() / "vqfw"
    except RuntimeError:
        return None


def trust(sha256: str, path: str) -> None:
    """Notes that this person has run the file with a checksum.

    Args:
        sha256: of its bytes.
        path: where it lies.
    """
    with suppress(OSError):  # then it has to be named again next time
        path_of = _folder(_PLUGINS) / sha256
        os.replace(_beside(path_of, os.fsencode(path)), path_of)


def trusted_path(sha256: str) -> str | None:
    """Where this person last ran the file with a checksum; None if that never happened."""
    folder = state_folder()
    if folder is None:
        return None
    try:
        return os.fsdecode((folder / _PLUGINS / sha256).read_bytes())
    except (OSError, ValueError):
        return None


def signature(content: bytes) -> str:
    """What only this person on this machine can make of some bytes.

    Raises:
        OSError: if there is no home, or the key can neither be read nor made.
    """
    path = _folder() / _KEY
    key = _key(path)
    if key is None:
        beside = _beside(path, secrets.token_bytes(_KEY_BYTES))
        try:
            # Of two processes that make the first key, one has to lose.
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
    """Whether a signature of these bytes was made by this person on this machine."""
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
    """The folder, or one below it, made for this person's eyes alone."""
    folder = state_folder()
    if folder is None:
        raise OSError(None, "there is no home", "~")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = folder / name
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _beside(path: Path, content: bytes) -> Path:
    """Writes a file of an unknown name, to be moved to its own."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with open(
        os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
    ) as file:
        file.write(content)
    return beside
