"""Checkpoints: arrays on disk, complete or absent, with a checksum each.

A checkpoint is a folder ``state/<step>/`` that appears by one rename, after everything in
it was written and synced. Loading verifies every byte and falls back to the newest
checkpoint that is whole. Nothing in it can run code: arrays are read with
``allow_pickle=False``, counters are JSON.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from vqfw.errors import CheckpointError
from vqfw.runs.files import read_own, sync_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 1
_ARRAYS, _COUNTERS, _MANIFEST = "state.npz", "counters.json", "manifest.json"
_CONTENTS = (_ARRAYS, _COUNTERS)

Arrays: TypeAlias = "Mapping[str, NDArray[Any]]"


@dataclass(frozen=True)
class Checkpoint:
    """One committed state.

    Args:
        step: optimizer steps done.
        arrays: by path in the state tree.
        counters: numbers of the engine, as JSON.
    """

    step: int
    arrays: Arrays
    counters: Mapping[str, Any]


def commit(folder: Path, checkpoint: Checkpoint, keep: int) -> None:
    """Writes a checkpoint, then removes those older than the ``keep`` newest.

    Args:
        folder: ``state/`` of a run; made if missing.
        checkpoint: what to write; it replaces one of the same step, which can only be
            a damaged one, because training goes on from the newest that is whole.
        keep: how many stay; an older one goes only after the new one is durable.

    Raises:
        OSError: if the disk is full or not writable; earlier checkpoints are intact.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    staged = folder / f".{_name(checkpoint.step)}.{secrets.token_hex(8)}.tmp"
    try:
        staged.mkdir()
        _write_files(staged, checkpoint)
        final = folder / _name(checkpoint.step)
        if final.is_symlink():
            final.unlink()
        elif final.exists():
            shutil.rmtree(final)
        staged.rename(final)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    sync_folder(folder)
    # Later ones are damaged, so they do not count among those that are kept.
    older = [step for step in steps(folder) if step < checkpoint.step]
    for step in older[: max(0, len(older) + 1 - keep)]:
        shutil.rmtree(folder / _name(step))


def newest(folder: Path, skipped: Callable[[str], None]) -> Checkpoint | None:
    """Reads the newest checkpoint that is whole.

    Args:
        folder: ``state/`` of a run.
        skipped: called with a sentence for each newer checkpoint that is damaged.

    Returns:
        None where there is no checkpoint.

    Raises:
        CheckpointError: if there are checkpoints and every one is damaged.
    """
    committed = steps(folder)
    for step in reversed(committed):
        try:
            return read(folder / _name(step))
        except CheckpointError as error:
            skipped(str(error))
    if committed:
        raise CheckpointError(
            f"every checkpoint in {folder} is damaged: the run cannot be resumed or "
            "evaluated; train it again"
        )
    return None


def read(folder: Path) -> Checkpoint:
    """Reads one checkpoint and verifies every byte of it.

    Raises:
        CheckpointError: naming the file that is missing, damaged or of a later format.
    """
    try:
        manifest = json.loads(read_own(folder / _MANIFEST))
        if manifest["format"] > FORMAT:
            raise CheckpointError(
                f"{folder} was written by a later vqfw (format {manifest['format']}, "
                f"this one reads {FORMAT}): upgrade vqfw"
            )
        step, checksums = int(manifest["step"]), dict(manifest["sha256"])
        # The names of the files are fixed: a manifest cannot lead to others.
        contents = {name: read_own(folder / name, None) for name in _CONTENTS}
    except CheckpointError:
        raise
    except Exception as error:  # a file is missing, or the manifest of another shape
        raise CheckpointError(f"{folder} is incomplete ({error})") from error
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != checksums.get(name):
            raise CheckpointError(f"{folder / name} is damaged: its checksum is wrong")
    # The manifest itself has no checksum.
    if folder.name != _name(step):
        raise CheckpointError(f"{folder / _MANIFEST} is damaged: it says step {step}")
    import numpy as np

    try:
        with np.load(io.BytesIO(contents[_ARRAYS]), allow_pickle=False) as archive:
            arrays = dict(archive)
        counters = json.loads(contents[_COUNTERS])
        if not isinstance(counters, dict):
            raise ValueError(f"{_COUNTERS} does not hold a JSON object")
    # Files with right checksums may still hold anything: their author wrote both.
    except Exception as error:
        raise CheckpointError(f"{folder} cannot be read ({error})") from error
    return Checkpoint(step, arrays, counters)


def steps(folder: Path) -> list[int]:
    """Steps that have a committed checkpoint, oldest first."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        names = [each.name for each in entries if each.is_dir(follow_symlinks=False)]
    decimal = [name for name in names if name.isascii() and name.isdecimal()]
    return sorted(int(name) for name in decimal if name == _name(int(name)))


def _name(step: int) -> str:
    return f"{step:08d}"


def _write_files(folder: Path, checkpoint: Checkpoint) -> None:
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **checkpoint.arrays)
    contents = {
        _ARRAYS: buffer.getvalue(),
        _COUNTERS: json.dumps(checkpoint.counters, allow_nan=False).encode(),
    }
    manifest = {
        "format": FORMAT,
        "step": checkpoint.step,
        "sha256": {n: hashlib.sha256(c).hexdigest() for n, c in contents.items()},
    }
    contents[_MANIFEST] = json.dumps(manifest, indent=2).encode()
    for name, content in contents.items():
        with open(folder / name, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)


def _sweep(folder: Path) -> None:
    """Removes what a killed process left half written."""
    for path in folder.glob(".*.tmp"):
        shutil.rmtree(path, ignore_errors=True)
