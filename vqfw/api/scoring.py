"""Scores of a run: found, recorded, and shown in pictures."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqfw.api.pictures import BadImage, Crop, as_options, pictures_of
from vqfw.api.preparation import splits_of
from vqfw.api.reopened import Reopened
from vqfw.api.talk import Say, speaker
from vqfw.api.token_files import agreement, token_file
from vqfw.errors import (
    DataError,
    Interrupted,
    RecordError,
    RunError,
    UnwritableError,
    UsageError,
    VqfwError,
)
from vqfw.runs import RunFolder
from vqfw.runs.files import write_json

if TYPE_CHECKING:
    from vqfw.data.arrays import Images, Splits
    from vqfw.evaluation.inference import Inference
    from vqfw.evaluation.score import Evaluation
    from vqfw.evaluation.tokens import TokenFile
    from vqfw.plan import Plan


def score_again(
    run: Reopened,
    split: str,
    data: str | Path | None,
    quiet: bool,
    weights: str,
    data_path: str | Path | None,
    crop: Crop | None,
    on_bad_image: BadImage | None,
) -> Evaluation:
    """Does what ``Run.evaluate`` says."""
    from vqfw.assembly.assemble import build_metrics
    from vqfw.evaluation.score import evaluate

    if split not in ("validation", "test"):
        raise UsageError(
            f'there is no split "{split}" to score: write "test" or "validation"'
        )
    if weights not in ("averaged", "last"):
        raise UsageError(
            f'there are no weights "{weights}": write "averaged" or "last"'
        )
    if data is not None and data_path is not None:
        raise UsageError(
            "other pictures are scored with --data, the run's own with --data-path: "
            "leave one of them out"
        )
    if data is None and (crop, on_bad_image) != (None, None):
        raise UsageError(
            "--crop and --on-bad-image hold for the pictures of --data: leave them "
            "out, the run's own pictures are read as in its training"
        )
    folder, last, say = run.folder, weights == "last", speaker(quiet)
    asked = ["eval", "--run", folder.id]
    asked += ["--data", str(data)] if data is not None else []
    asked += ["--split", split] if data is None and split != "test" else []
    asked += ["--weights", "last"] if last else []
    asked += as_options(crop, on_bad_image)
    with ExitStack() as held:
        kept = True
        try:
            held.enter_context(run.writing())
        except UnwritableError as error:
            say(f"the scores are not kept: {error}")
            kept = False
        if data is None:
            plan = run.plan_with_data(*asked, data_path=data_path)
        else:
            plan = run.plan(*asked)
        if last and plan.experiment.training.weight_averaging is None:
            raise RunError(
                f'run "{folder.id}" averages no weights, so it is always scored with '
                "its last ones: leave --weights out"
            )
        inference = run.inference(plan, say, averaged=not last)
        if data is not None:
            images = pictures_of(plan, data, quiet, crop, on_bad_image)
            name, shown = "data", folder.pictures / "data"
        else:
            splits = splits_of(plan, quiet)
            run.require_same(splits, plan, *asked)
            images = splits.test if split == "test" else splits.validation
            name, shown = split, folder.pictures
            if split == "validation" and "test" in _earlier_scores(folder):
                shown /= split  # the pictures of the test stay
        if not len(images):
            others = run.command("eval", "--run", folder.id, "--data", "PATH")
            raise DataError(
                f'the {name} split of run "{folder.id}" has no images: score others '
                f"with: {others}"
            )
        if last:
            name, shown = f"{name}_last_weights", shown / "last_weights"
        evaluation = evaluate(inference, images, build_metrics(plan))
        if data is not None:
            side = crop or plan.experiment.data.crop or "none"
            evaluation = replace(evaluation, crop=side)
        if evaluation.tokens is not None:
            fresh = token_file(plan, inference.model, images, evaluation.tokens)
            stored = _stored_tokens(folder, name, like=fresh)
            say(agreement(inference, images, stored or fresh))
        if kept:
            record = replace(evaluation, tokens=None) if last else evaluation
            _keep(folder, plan, inference, images, record, name, shown)
        return evaluation


def score_trained(
    folder: RunFolder, plan: Plan, splits: Splits, inference: Inference, say: Say
) -> Mapping[str, Any]:
    """Scores a trained model on the test images, or those of validation; records it.

    Returns:
        The recorded scores; empty where there are no images.

    Raises:
        Interrupted: by Ctrl-C; the training is done all the same.
    """
    from vqfw.assembly.assemble import build_metrics
    from vqfw.evaluation.score import evaluate

    name = "test" if len(splits.test) else "validation"
    images = getattr(splits, name)
    if not len(images):
        say("there are no test images, so nothing was scored")
        return {}
    try:
        evaluation = evaluate(inference, images, build_metrics(plan))
        _keep(folder, plan, inference, images, evaluation, name, folder.pictures)
    except KeyboardInterrupt:
        raise Interrupted(
            f"the training is done and saved; score it with: vqfw eval --run {folder.quoted}",
            signal.SIGINT,
        ) from None
    return evaluation.record()


def _keep(
    folder: RunFolder,
    plan: Plan,
    inference: Inference,
    images: Images,
    evaluation: Evaluation,
    name: str,
    pictures: Path,
) -> None:
    """Records scores and tokens under a name, and saves pairs in the folder ``pictures``."""
    from vqfw.evaluation.pictures import save_pairs, spread

    shown = spread(images.pixels, plan.experiment.evaluation.pictures)
    try:
        if evaluation.tokens is not None:
            file = token_file(plan, inference.model, images, evaluation.tokens)
            file.save(_tokens_of(folder, name))
        scores = {**_earlier_scores(folder), name: evaluation.record()}
        write_json(folder.path / "scores.json", scores)
        pictures.mkdir(parents=True, exist_ok=True)
        save_pairs(pictures, shown, inference.pictures(shown))
    except OSError as error:
        raise VqfwError(
            f"the scores cannot be saved to {folder.path} ({error.strerror}): make room, "
            f"then score again with: vqfw eval --run {folder.quoted}"
        ) from error


def _earlier_scores(folder: RunFolder) -> Mapping[str, Any]:
    """The recorded scores; none where they are damaged, and so will be written anew."""
    try:
        return folder.scores
    except RecordError:
        return {}


def _stored_tokens(folder: RunFolder, name: str, like: TokenFile) -> TokenFile | None:
    """The tokens that an earlier evaluation stored, if they are of these images."""
    from vqfw.evaluation.tokens import TokenFile

    path = _tokens_of(folder, name)
    if not path.exists():
        return None
    try:
        stored = TokenFile.load(path)
    except DataError:  # a damaged one is written anew
        return None
    same = stored.fingerprint == like.fingerprint and stored.names == like.names
    return stored if same else None


def _tokens_of(folder: RunFolder, name: str) -> Path:
    return folder.path / f"tokens_{name}.npz"
