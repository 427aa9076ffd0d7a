"""The cache of decoded pictures: one array and one index a key, complete or absent.

An entry is written beside its place and renamed into it, so that no reader sees half of
one. A damaged entry is recognized by its checksum and made again. No failure here ends a
run: it costs time only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from vqfw.kinds.dataset import Split
from vqfw.runs.files import sync_folder, write_whole

# Part of every key; raised when the same data gives another entry.
FORMAT_VERSION = 3

_PIXELS = "pixels.npy"
_INDEX = "index.json"
_UNFINISHED = "unfinished-"
_ABANDONED_SECONDS = 3600  # writing takes seconds; what is older was killed
_BLOCK_ROWS = 256

_T = TypeVar("_T")


@dataclass(frozen=True)
class Decoded:
    """All pictures of a dataset, in the byte order of their ids.

    Args:
        pixels: (decoded, height, width, channels) uint8, read-only.
        ids: (listed,) names, those of bad pictures too.
        groups: (listed,) the groups that the dataset names; None where it names none.
        official: (listed,) the splits that an official list gives, or None.
        decodable: (listed,) whether a picture is in ``pixels``.
        notes: of the dataset and of the decoding, a sentence each.
        sha256: of the pixels.
        share: of a picture's pixels that the crop keeps, the mean of all pictures.
    """

    pixels: NDArray[np.uint8]
    ids: tuple[str, ...]
    groups: tuple[str | None, ...]
    official: tuple[Split | None, ...]
    decodable: tuple[bool, ...]
    notes: tuple[str, ...]
    sha256: str
    share: float = 1.0

    def usable(self, values: Sequence[_T]) -> tuple[_T, ...]:
        """Of one value a listed picture, those of the decoded pictures."""
        return tuple(compress(values, self.decodable))


def key_of(parts: Sequence[object]) -> str:
    """The name of an entry: a SHA-256 over all that its content depends on."""
    text = json.dumps([FORMAT_VERSION, *parts], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_of(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 of the bytes of an array, a block at a time."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    for start in range(0, len(pixels), _BLOCK_ROWS):
        digest.update(pixels[start : start + _BLOCK_ROWS].tobytes())
    return digest.hexdigest()


def read_entry(folder: Path) -> Decoded | None:
    """An entry, its pixels mapped from disk; None if it is missing or damaged."""
    try:
        signed = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        index = signed["index"]
        if _signature(index) != signed["sha256"]:
            return None
        pixels = np.load(folder / _PIXELS, mmap_mode="r", allow_pickle=False)
        entry = _entry(pixels, index)
    except (OSError, ValueError, TypeError, KeyError, EOFError):
        return None
    return entry if hash_of(entry.pixels) == entry.sha256 else None


def write_entry(folder: Path, entry: Decoded) -> None:
    """Writes an entry, durable and all at once; it replaces a damaged one.

    Raises:
        OSError: if the disk is full or cannot be written; nothing is left behind.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder.parent)
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.parent))
    try:
        with (unfinished / _PIXELS).open("wb") as file:
            np.save(file, entry.pixels, allow_pickle=False)
            os.fsync(file.fileno())
        index = {**vars(entry), "shape": entry.pixels.shape}
        del index["pixels"]
        signed = json.dumps({"index": index, "sha256": _signature(index)})
        write_whole(unfinished / _INDEX, signed.encode())
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _signature(index: Any) -> str:
    text = json.dumps(index, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _entry(pixels: Any, index: Any) -> Decoded:
    """The entry of an array and its index; a ValueError if they do not match."""
    if pixels.dtype != np.uint8 or list(pixels.shape) != index["shape"]:
        raise ValueError("the pixels are not those of the index")
    entry = Decoded(
        pixels=pixels,
        ids=tuple(index["ids"]),
        groups=tuple(index["groups"]),
        official=tuple(index["official"]),
        decodable=tuple(index["decodable"]),
        notes=tuple(index["notes"]),
        sha256=index["sha256"],
        share=float(index["share"]),
    )
    columns = (entry.ids, entry.groups, entry.official, entry.decodable)
    lengths = set(map(len, columns))
    fits = len(lengths) == 1 and sum(entry.decodable) == len(pixels)
    if not fits or not set(entry.official) <= {None, *get_args(Split)}:
        raise ValueError("the index does not fit the pixels")
    return entry


def _sweep(parent: Path) -> None:
    """Removes unfinished entries of killed processes."""
    for left in parent.glob(f"{_UNFINISHED}*"):
        try:
            abandoned = time.time() - left.stat().st_mtime > _ABANDONED_SECONDS
        except OSError:  # its process has just finished it
            continue
        if abandoned:
            shutil.rmtree(left, ignore_errors=True)
