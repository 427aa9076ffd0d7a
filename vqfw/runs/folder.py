"""One run on disk: where its parts lie, its records and its lock.

A run is ``checkpoints/<run>/`` (records and weights) and ``images_saved/<run>/``
(pictures) under a root, which is the working directory unless ``VQFW_ROOT`` says else.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from vqfw.errors import RecordError, RunError, UnwritableError
from vqfw.runs import checkpoint, records
from vqfw.runs.files import (
    open_own,
    outward_paths,
    read_json,
    read_own,
    sweep,
    write_whole,
)
from vqfw.runs.locks import take_lock

_LOST = "bring the file back from a copy of the run, or train it again"


@dataclass(frozen=True)
class RunFolder:
    """One run on disk.

    Args:
        id: the name of its folders.
        root: the folder that holds ``checkpoints/`` and ``images_saved/``; made
            absolute, so that the run stays where it is when the working folder changes.
    """

    id: str
    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.absolute())

    @property
    def quoted(self) -> str:
        """The id, quoted for a shell: a copied folder may have any name."""
        return shlex.quote(self.id)

    @property
    def path(self) -> Path:
        """Records and weights."""
        return self.root / "checkpoints" / self.id

    @property
    def pictures(self) -> Path:
        """Saved originals, reconstructions, grids and the film of the training."""
        return self.root / "images_saved" / self.id

    @property
    def states(self) -> Path:
        """Checkpoints, a folder each."""
        return self.path / "state"

    @property
    def resolved(self) -> dict[str, Any]:
        """The experiment with every default filled in."""
        return self._record("resolved.json", records.RESOLVED, _LOST)

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, device, threads, precision, seed and command line."""
        return self._record("environment.json", records.ENVIRONMENT, _LOST)

    @property
    def scores(self) -> dict[str, Any]:
        """Scores by split; empty before the first evaluation.

        Raises:
            RecordError: if the file is damaged; the next evaluation replaces it.
        """
        if not os.path.lexists(self.path / "scores.json"):
            return {}
        repair = f"score it again: vqfw eval --run {self.quoted}"
        return self._record("scores.json", records.SCORES, repair)

    @property
    def training(self) -> dict[str, Any]:
        """Steps, pace and revival of a finished training; empty where damaged or missing.

        Resuming the run writes it again.
        """
        try:
            return self._record("training.json", records.TRAINING, "")
        except RecordError:
            return {}

    @property
    def origins(self) -> dict[str, str]:
        """The origin of each value, by its path; empty where it was not recorded."""
        try:
            return self._record("origins.json", records.ORIGINS, "")
        except RecordError:
            return {}

    def note_failure(self, failure: Mapping[str, str]) -> None:
        """Records a failure of an observer or tracker, once.

        Args:
            failure: name, place and error.
        """
        if failure in self.failures:
            return
        lines = [json.dumps(each) + "\n" for each in (*self.failures, failure)]
        with suppress(OSError):  # a full disk is reported by what matters more
            write_whole(self._failures, "".join(lines).encode())

    @property
    def failures(self) -> list[dict[str, str]]:
        """Failures of observers and trackers, which were detached."""
        with suppress(OSError, ValueError, RecursionError):
            lines = read_own(self._failures).decode("utf-8").splitlines()
            failures = [json.loads(line) for line in lines]
            records.list_of(records.FAILURE)(failures, "")
            return failures
        return []

    @property
    def _failures(self) -> Path:
        return self.path / "failures.jsonl"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from writing this run.

        Raises:
            RunError: at once, if another process is writing it. The system frees the
                lock of a killed process.
            UnwritableError: if it cannot be written, or its pictures lead elsewhere.
        """
        self._require_pictures()
        with self._lock_file() as file:
            try:
                if not take_lock(file):
                    file.seek(1)
                    owner = file.read(20).strip() or "unknown"
                    raise RunError(
                        f'run "{self.id}" is being written by process {owner}: wait for '
                        "it, or end it"
                    )
                # A hard link may be any file of this person: it is locked, not written.
                if os.fstat(file.fileno()).st_nlink == 1:
                    file.truncate(0)
                    # The first byte is the one that a lock may hide from others.
                    file.write(f"\n{os.getpid()}\n")
                    file.flush()
            except OSError as error:
                raise self._unwritable(error) from error
            for folder in (self.path, self.pictures):
                sweep(folder)
            yield

    def require_contained(self) -> None:
        """Refuses links that lead out of the run.

        It walks the whole folder, so a call does it once, before it reads any record.
        The folder itself and ``checkpoints`` may be links, which this person made; a
        link inside may come from a stranger.

        Raises:
            RunError: naming a link that leads out of the run, or a pipe or device in it.
        """
        for path, reason in outward_paths(self.path):
            raise RunError(
                f'{path} {reason}, but all files of run "{self.id}" must lie in it: '
                "remove it, or put a copy in its place"
            )

    def _require_pictures(self) -> None:
        """Refuses links that lead pictures elsewhere, and a folder that is read-only."""
        if self.pictures.is_symlink():
            raise UnwritableError(
                f"{self.pictures} is a link, and its target may hold other pictures: "
                f"remove it, or link all of {self.pictures.parent}"
            )
        place = self.pictures
        while not place.exists():
            place = place.parent
        if not os.access(place, os.W_OK):
            raise UnwritableError(
                f"{place} cannot be written, and pictures go there: allow writing there"
            )
        for path, reason in outward_paths(self.pictures):
            raise UnwritableError(
                f'{path} {reason}, but pictures of run "{self.id}" must lie in its '
                "folder: remove it"
            )

    def require_free(self) -> None:
        """Takes the lock and frees it, before work that takes long.

        Raises:
            RunError: if another process is writing the run.
        """
        with self.locked():
            pass

    @property
    def is_recorded(self) -> bool:
        """Whether it has recorded its experiment."""
        return (self.path / "resolved.json").exists()

    @property
    def is_untrained(self) -> bool:
        """Whether it has neither a checkpoint nor a logged step."""
        log = self.path / "metrics.jsonl"
        logged = log.exists() and log.stat().st_size
        return not logged and not checkpoint.steps(self.states)

    def discard(self) -> None:
        """Removes both folders, pictures first."""
        for folder in (self.pictures, self.path):
            shutil.rmtree(folder, ignore_errors=True)

    def _lock_file(self) -> TextIO:
        try:
            handle = open_own(self.path / "lock", os.O_RDWR | os.O_APPEND | os.O_CREAT)
            return open(handle, "a+", encoding="ascii", errors="replace")
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UnwritableError:
        return UnwritableError(
            f"{self.path} cannot be written ({error.strerror}): make room, or allow "
            "writing there"
        )

    def _record(self, name: str, shape: records.Shape, repair: str) -> dict[str, Any]:
        try:
            record = read_json(self.path / name)
            shape(record, "")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise RecordError(
                f'run "{self.id}" has no usable {name} ({reason}): {repair}'
            ) from error
        return record
