"""Run folders: their names, what is where in them, and how one is found again.

A run is ``checkpoints/<run>/`` (records and weights) and ``images_saved/<run>/``
(pictures) under a root, which is the working directory unless ``VQFW_ROOT`` says else.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path, PurePath
from typing import Any, TextIO

from vqfw.errors import RecordError, RunError, UnwritableError
from vqfw.runs import checkpoint, records
from vqfw.runs.files import open_own, read_json, read_own, sweep, ways_out, write_whole
from vqfw.runs.locks import take_lock

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_RECORDS = "*/resolved.json"
_LOST = "bring the file back from a copy of the run, or train it again"
_RESERVED = {"latest", "studies", "con", "prn", "aux", "nul", "readme.md"}


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
        """The id as a shell takes it: a folder from elsewhere may have any name."""
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
            RecordError: if they are damaged; another evaluation writes them anew.
        """
        if not os.path.lexists(self.path / "scores.json"):
            return {}
        repair = f"score it again: vqfw eval --run {self.quoted}"
        return self._record("scores.json", records.SCORES, repair)

    @property
    def training(self) -> dict[str, Any]:
        """Steps, pace and revival of the training; empty until all is done and scored.

        Damaged, it is empty too: then going on with the run writes it anew.
        """
        try:
            return self._record("training.json", records.TRAINING, "")
        except RecordError:
            return {}

    @property
    def origins(self) -> dict[str, str]:
        """Who set each value, by its path; empty if that was not recorded."""
        try:
            return self._record("origins.json", records.ORIGINS, "")
        except RecordError:
            return {}

    def note_failure(self, failure: Mapping[str, str]) -> None:
        """Records, once, that something failed which only looked on.

        Args:
            failure: who, where and why.
        """
        if failure in self.failures:
            return
        lines = [json.dumps(each) + "\n" for each in (*self.failures, failure)]
        with suppress(OSError):  # a full disk is reported by what matters more
            write_whole(self._failures, "".join(lines).encode())

    @property
    def failures(self) -> list[dict[str, str]]:
        """Observers and trackers that were detached, and why."""
        with suppress(OSError, ValueError, RecursionError):
            lines = read_own(self._failures).decode("utf-8").splitlines()
            found = [json.loads(line) for line in lines]
            records.check(found, records.list_of(records.FAILURE))
            return found
        return []

    @property
    def _failures(self) -> Path:
        return self.path / "failures.jsonl"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from writing this run.

        Raises:
            RunError: at once, if another process is writing it. The lock of a process
                that was killed is gone with it.
            UnwritableError: if it cannot be written, or its pictures are led elsewhere.
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
                # With a second name it may be anything; its lock is as good.
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
        """Looks for what would lead a reader or writer of this run elsewhere.

        It walks the whole folder, so a call does it once, before it reads any record. The folder of the run may be a link, and so may be ``checkpoints``: whoever made
        it wanted the run to lie there. A link in it may come from a stranger.

        Raises:
            RunError: naming a link that leads out of the run, or a pipe or device in it.
        """
        for path, reason in ways_out(self.path):
            raise RunError(
                f'{path} {reason}, and run "{self.id}" may have files of its own only: '
                "remove it, or put a copy in its place"
            )

    def _require_pictures(self) -> None:
        """Looks for what would lead pictures elsewhere.

        Raises:
            UnwritableError: if they cannot be written into a folder of their own.
        """
        if self.pictures.is_symlink():
            raise UnwritableError(
                f"{self.pictures} is a link, and what it leads to may hold pictures of "
                f"yours: remove it, or link all of {self.pictures.parent}"
            )
        place = self.pictures
        while not place.exists():
            place = place.parent
        if not os.access(place, os.W_OK):
            raise UnwritableError(
                f"{place} cannot be written: allow writing there, for the pictures"
            )
        for path, reason in ways_out(self.pictures):
            raise UnwritableError(
                f'{path} {reason}, and run "{self.id}" may write files of its own only: '
                "remove it"
            )

    def require_free(self) -> None:
        """Looks at the lock, before anything that takes long.

        Raises:
            RunError: if another process is writing the run.
        """
        with self.locked():
            pass

    @property
    def is_recorded(self) -> bool:
        """Whether it got as far as to note which experiment it is."""
        return (self.path / "resolved.json").exists()

    @property
    def is_untrained(self) -> bool:
        """Whether it holds neither a checkpoint nor the numbers of a step."""
        log = self.path / "metrics.jsonl"
        logged = log.exists() and log.stat().st_size
        return not logged and not checkpoint.steps(self.states)

    def discard(self) -> None:
        """Removes both folders; the one that holds the name goes last."""
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
            found = read_json(self.path / name)
            records.check(found, shape)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise RecordError(
                f'run "{self.id}" has no usable {name} ({reason}): {repair}'
            ) from error
        return found


def create_run(root: Path, experiment_name: str, name: str | None) -> RunFolder:
    """Makes the folders of a new run.

    Args:
        root: the folder that holds ``checkpoints/`` and ``images_saved/``.
        experiment_name: becomes part of a generated id.
        name: the id to use; None generates one from the time.

    Raises:
        RunError: if a run or its pictures have the name already, the name is not one,
            or the folder cannot be written.
    """
    if name is not None:
        run = RunFolder(checked_name(name), root)
        obstacle = _claim(run)
        if obstacle is not None:
            problem, repair = _taken(run, obstacle)
            raise RunError(f"{problem}: choose another --name, or {repair}")
        return run
    moment = datetime.now().strftime("%Y-%m-%d_%H%M%S")
    base = f"{moment}_{experiment_name}"
    attempt = 1
    while True:
        run = RunFolder(base if attempt == 1 else f"{base}.{attempt}", root)
        if _claim(run) is None:
            return run
        attempt += 1


def checked_name(name: str) -> str:
    """The name itself, if a run may be called so.

    Raises:
        RunError: if not, with the rule.
    """
    if not _NAME.match(name) or name in _RESERVED or ".." in name:
        raise RunError(
            f"{name!r} cannot name a run: use up to 64 of a-z 0-9 . _ -, starting with a "
            'letter or digit, and not "latest" or "studies"'
        )
    return name


def find_run(root: Path, wanted: str) -> RunFolder:
    """Finds a run by id, unique prefix, ``latest`` or ``best:METRIC``.

    Raises:
        RunError: if there is none or more than one, with the ids that there are.
    """
    existing = list_folders(root)
    if wanted == "latest":
        return _latest(root, existing)
    if wanted.startswith("best:"):
        return _best(existing, wanted.removeprefix("best:"))
    matches = [run for run in existing if run.id == wanted] or [
        run for run in existing if run.id.startswith(wanted) and wanted
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = ", ".join(run.id for run in matches)
        raise RunError(f'"{wanted}" is the beginning of {len(matches)} runs: {ids}')
    raise RunError(f'no run is called "{wanted}" {_known(root, existing, wanted)}')


def list_folders(root: Path) -> list[RunFolder]:
    """All runs that recorded an experiment, oldest first."""
    folder = root / "checkpoints"
    if not folder.is_dir():
        return []
    recorded = []
    for path in folder.glob(_RECORDS):
        # Another process may discard a run that came to nothing.
        with suppress(FileNotFoundError):
            recorded.append((path.lstat().st_mtime, path))
    return [RunFolder(path.parent.name, root) for _, path in sorted(recorded)]


def mark_latest(run: RunFolder) -> None:
    """Makes ``latest`` mean this run; called after its first commit."""
    write_whole(run.root / "checkpoints" / "LATEST", f"{run.id}\n".encode())


def _claim(run: RunFolder) -> Path | None:
    """Makes the folders of a run, or tells which of them is someone's already."""
    try:
        for folder in (run.path, run.pictures):
            folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            run.path.mkdir()
        except FileExistsError:
            return run.path
        try:
            run.pictures.mkdir()
        except FileExistsError:
            if not run.pictures.is_dir() or any(run.pictures.iterdir()):
                run.path.rmdir()
                return run.pictures
    except OSError as error:
        with suppress(OSError):
            run.path.rmdir()
        raise RunError(
            f"{error.filename} cannot be made ({error.strerror}): free the disk, or set "
            "VQFW_ROOT to a folder that can be written"
        ) from error
    return None


def _taken(run: RunFolder, obstacle: Path) -> tuple[str, str]:
    """What has the name of a run, and how it gets free or is used.

    Raises:
        RunError: if it is a run that another process is just starting.
    """
    if obstacle == run.pictures:
        return f"{obstacle} is there, though no run has this name", "move it away"
    problem = f'run "{run.id}" exists already'
    if run.is_recorded:
        return problem, f"continue it with: vqfw run --resume {run.quoted}"
    if (obstacle / "lock").exists():
        run.require_free()
    return problem, f"remove {obstacle}, which holds no experiment"


def _latest(root: Path, existing: list[RunFolder]) -> RunFolder:
    pointer = root / "checkpoints" / "LATEST"
    run_id = ""
    with suppress(OSError):  # then the newest is meant
        run_id = read_own(pointer).decode("utf-8", "replace").strip()
    for run in existing:
        if run.id == run_id:
            return run
    committed = [run for run in existing if checkpoint.steps(run.states)]
    if committed:
        return committed[-1]
    raise RunError(
        f"there is no run with a checkpoint in {root / 'checkpoints'}: start one with "
        "vqfw run experiments/experiment.json"
    )


def _best(existing: list[RunFolder], metric: str) -> RunFolder:
    scored: list[tuple[float, RunFolder]] = []
    for run in existing:
        try:
            entry = run.scores.get("test", {}).get(metric)
        except RecordError:  # it is no reason to find no other
            continue
        if isinstance(entry, Mapping) and entry["value"] is not None:
            sign = -1 if entry.get("better") == "lower" else 1
            scored.append((sign * entry["value"], run))
    if not scored:
        raise RunError(f'no run has a test score called "{metric}"')
    return max(scored, key=lambda pair: pair[0])[1]


def _known(root: Path, existing: list[RunFolder], wanted: str) -> str:
    ids = [run.id for run in existing]
    typed = PurePath(wanted).name  # of a path, as a shell completes it
    close = (
        [typed] if typed in ids else get_close_matches(wanted, [*ids, "latest"], n=1)
    )
    if close:
        return f'in {root / "checkpoints"}: did you mean "{close[0]}"?'
    shown = ", ".join(ids[-5:])
    return f"in {root / 'checkpoints'}: " + (
        f"there are {shown}" if ids else "it is empty"
    )
