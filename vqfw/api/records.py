"""Writes the records of a run before training: experiment, origins, environment."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from vqfw.api.preparation import data_notes
from vqfw.api.talk import Say
from vqfw.errors import RunError
from vqfw.problems.printing import as_data
from vqfw.runs import RunFolder
from vqfw.runs.files import write_json, write_whole
from vqfw.runs.origin import KEY, sign

if TYPE_CHECKING:
    from vqfw.data.arrays import Splits
    from vqfw.plan import Plan


def environment_of(plan: Plan) -> dict[str, Any]:
    """Versions, backend, devices, threads, precision, dataset path and plugin files."""
    import keras

    from vqfw.plan import devices
    from vqfw.registry import plugin_files
    from vqfw.runs.environment import describe_environment

    return {
        **describe_environment(keras.backend.backend(), plan.distributions),
        "devices": devices(),
        "seed": plan.experiment.seed,
        "threads": plan.threads,
        "precision": plan.precision,
        "dataset_path": plan.dataset_path,
        "plugin_files": [asdict(file) for file in plugin_files()],
    }


def record(folder: RunFolder, plan: Plan, splits: Splits, say: Say) -> None:
    """Writes the experiment, origins and environment of a run; ``resolved.json`` last.

    ``say`` gets a sentence if the run cannot be marked as made here.

    Raises:
        RunError: if the disk is full or not writable.
    """
    checked, environment = plan.experiment, environment_of(plan)
    environment["warnings"] = as_data(plan.warnings)
    environment["data_fingerprint"] = splits.fingerprint
    environment["pixels_sha256"] = splits.pixels_sha256
    environment["data_notes"] = data_notes(plan, splits.summary)
    environment["split_by"] = splits.summary.split_by
    resolved = checked.resolved_json().encode()
    try:
        environment[KEY] = sign(environment, resolved)
    except OSError as error:
        if plan.dataset_path is not None or environment["plugin_files"]:
            say(
                f"{error.filename} cannot be used ({error.strerror}), so this run will "
                "count as made elsewhere: name its data and plugins again with "
                "--data-path and --plugin, or set VQFW_STATE to a folder of your own"
            )
    origins = {path: origin.source for path, origin in checked.origins.items()}
    try:
        write_whole(folder.path / "experiment.json", checked.text.encode())
        write_json(folder.path / "origins.json", origins)
        write_json(folder.path / "environment.json", environment)
        write_whole(folder.path / "resolved.json", resolved)
    except OSError as error:
        raise RunError(
            f"{folder.path} cannot be written ({error.strerror}): make room, or set "
            "VQFW_ROOT to a folder that can be written"
        ) from error
