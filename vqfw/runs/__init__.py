"""Run folders: ids, LATEST, lock, checkpoints, environment record, recorded scores."""

from vqfw.runs.creation import create_run
from vqfw.runs.folder import RunFolder
from vqfw.runs.lookup import find_run, list_folders, mark_latest
from vqfw.runs.places import default_root

__all__ = [
    "RunFolder",
    "create_run",
    "default_root",
    "find_run",
    "list_folders",
    "mark_latest",
]
