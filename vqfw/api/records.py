"""What a run writes of itself before it trains: what it was given, and what it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vqfw import experiment as experiments
from vqfw.errors import (
    RunError,
)
from vqfw.runs import Run as RunFolder
from vqfw.runs.files import write_json, write_whole

if TYPE_CHECKING:
    from vqfw.data.arrays import Splits
    from vqfw.plan import Plan


def environment_of(plan: Plan) -> dict[str, Any]:
    """What this process runs on."""
    import keras

    from vqfw.assembly.backend import devices
    from vqfw.registry import plugin_files
    from vqfw.runs.environment import describe_environment

    return {
        **describe_environment(keras.backend.backend(), plan.distributions),
        "devices": devices(),
        "seed": plan.experiment.seed,
        "threads": plan.threads,
        "precision": plan.precision,
        "dataset_path": plan.dataset_path,
        "plugin_files": [file.record() for file in plugin_files()],
    }


def record(folder: RunFolder, plan: Plan, splits: Splits) -> None:
    """Writes what the run was given and what it runs on; ``resolved.json`` comes last.

    Raises:
        RunError: if the disk is full or not writable.
    """
    checked, environment = plan.experiment, environment_of(plan)
    environment["warnings"] = experiments.as_data(plan.warnings)
    environment["data_fingerprint"] = splits.fingerprint
    origins = {path: origin.source for path, origin in checked.origins.items()}
    try:
        write_whole(folder.path / "experiment.json", checked.text.encode())
        write_json(folder.path / "origins.json", origins)
        write_json(folder.path / "environment.json", environment)
        write_whole(folder.path / "resolved.json", checked.resolved_json().encode())
    except OSError as error:
        raise RunError(
            f"{folder.path} cannot be written ({error.strerror}): make room, or set "
            "VQFW_ROOT to a folder that can be written"
        ) from error
