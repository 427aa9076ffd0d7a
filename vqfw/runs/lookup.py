"""Finds runs again: by id, unique prefix, ``latest`` or ``best:METRIC``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath

from vqfw.errors import RecordError, RunError
from vqfw.runs import checkpoint
from vqfw.runs.files import read_own, write_whole
from vqfw.runs.folder import RunFolder
from vqfw.suggestions import did_you_mean

_RECORDS = "*/resolved.json"


def find_run(root: Path, wanted: str) -> RunFolder:
    """Finds a run by id, unique prefix, ``latest`` or ``best:METRIC``.

    Raises:
        RunError: if none or several match, with the existing ids.
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
        # Another process may discard its run meanwhile.
        with suppress(FileNotFoundError):
            recorded.append((path.lstat().st_mtime, path))
    return [RunFolder(path.parent.name, root) for _, path in sorted(recorded)]


def mark_latest(run: RunFolder) -> None:
    """Makes this run ``latest``; called after its first commit."""
    write_whole(run.root / "checkpoints" / "LATEST", f"{run.id}\n".encode())


def _latest(root: Path, existing: list[RunFolder]) -> RunFolder:
    pointer = root / "checkpoints" / "LATEST"
    run_id = ""
    with suppress(OSError):  # without it the newest run is the latest
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
        except RecordError:  # other runs have scores
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
    if question := did_you_mean(typed or wanted, [*ids, "latest"]):
        return f"in {root / 'checkpoints'}: {question}"
    shown = ", ".join(ids[-5:])
    return f"in {root / 'checkpoints'}: " + (
        f"there are {shown}" if ids else "it is empty"
    )
