"""Run folders: ids, LATEST, lock, checkpoints, environment record, recorded scores."""

from vqfw.runs.folder import (
    Run,
    create_run,
    default_root,
    find_run,
    list_runs,
    mark_latest,
)

__all__ = [
    "Run",
    "create_run",
    "default_root",
    "find_run",
    "list_runs",
    "mark_latest",
]
