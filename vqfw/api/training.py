"""A run from its first step, or the newest checkpoint, to its scores."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from vqfw.api.scoring import score_trained
from vqfw.api.talk import speaker
from vqfw.errors import VqfwError
from vqfw.runs import RunFolder
from vqfw.runs.files import write_json

if TYPE_CHECKING:
    from vqfw.data.arrays import Splits
    from vqfw.plan import Plan
    from vqfw.training.loop import Trained


def train_and_score(
    folder: RunFolder, plan: Plan, splits: Splits, quiet: bool
) -> Trained:
    """Trains to the end, then scores the test images, or those of validation.

    Args:
        folder: the run; the caller holds its lock.
        plan: of the run.
        splits: its data.
        quiet: whether to show nothing.

    Raises:
        Interrupted: by Ctrl-C; what was reached is saved.
        VqfwError: if the disk is full or not writable.
    """
    from vqfw.assembly.assemble import build_parts
    from vqfw.evaluation.inference import Inference
    from vqfw.registry.hooks import observers
    from vqfw.runs.checkpoint import steps
    from vqfw.training.loop import train

    resumed = bool(steps(folder.states))
    watching = observers()
    watching.tell("vqfw_run_start", run=folder)
    try:
        parts = build_parts(plan)
        autoencoder = parts.autoencoder
        # One for validation and scores, so that it is compiled once.
        inference = Inference(autoencoder.model, plan.experiment.evaluation.batch_size)
        trained = train(plan, splits, folder, parts, inference, quiet)
        autoencoder.use_averages()
        scores = score_trained(folder, plan, splits, inference, speaker(quiet))
        _record(folder, trained, resumed)
        watching.tell("vqfw_run_end", run=folder, scores=scores)
    finally:
        for failure in watching.failures:
            folder.note_failure(failure)
    return trained


def _record(folder: RunFolder, trained: Trained, resumed: bool) -> None:
    """Records how the training went, which also says that all of the run is done."""
    if folder.training.get("steps") == trained.steps:
        return  # it was done before, and no step was added
    record = {**asdict(trained), "seconds": None if resumed else trained.seconds}
    try:
        write_json(folder.path / "training.json", record)
    except OSError as error:
        raise VqfwError(
            f"{folder.path} cannot be written ({error.strerror}): make room, "
            f"then finish with: vqfw run --resume {folder.quoted}"
        ) from error
