"""``vqfw plan``: data, shapes, sizes and bits of an experiment; nothing is trained."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from vqfw.cli.backend import start_backend, use_plugins
from vqfw.cli.options import json_option, plugin_option, set_option
from vqfw.cli.talk import print_json, say, show
from vqfw.errors import DataError
from vqfw.terminal import BETWEEN

if TYPE_CHECKING:
    from vqfw.api import Experiment
    from vqfw.assembly.outline import Outline
    from vqfw.data.summary import DataSummary
    from vqfw.plan import Plan


@click.command("plan")
@click.argument("file", type=click.Path())
@set_option
@plugin_option
@click.option("--measure", is_flag=True, help="Time five training steps.")
@json_option
def command(
    file: str,
    overrides: tuple[str, ...],
    plugins: tuple[str, ...],
    measure: bool,
    as_json: bool,
) -> None:
    """Show what the experiment in FILE would run: data, shapes, sizes, bits, paths.

    Pictures are listed if they are present. Nothing is trained or decoded.

    FILE may be a folder or archive of pictures: its experiment is then written to
    NAME.json first.
    """
    from vqfw import api

    use_plugins(plugins, say)
    experiment = api.load(file, overrides, say=say)
    start_backend(experiment.checked.training.threads)
    from vqfw.api.planning import outlined

    plan, found, missing = _with_data(experiment)
    outline, seconds = outlined(plan, measure)
    if as_json:
        listed = {
            "dataset_path": plan.dataset_path,
            "found": found.data() if found else None,
            "missing": missing,
        }
        print_json({**listed, **_data(plan, outline, seconds)})
    else:
        rows = _data_rows(plan, found, missing)
        show("\n".join(_lines(rows, plan, outline, seconds)))


def _with_data(experiment: Experiment) -> tuple[Plan, DataSummary | None, str]:
    """The plan, the listing of the dataset, and the error where it cannot be listed."""
    from vqfw.api.preparation import summary_of

    try:
        plan = experiment.plan()
    except DataError as error:
        return experiment.plan(find_data=False), None, str(error)
    try:
        return plan, summary_of(plan), ""
    except DataError as error:
        return plan, None, str(error)


def _data_rows(
    plan: Plan, found: DataSummary | None, missing: str
) -> list[tuple[str, str]]:
    from vqfw.api.preparation import summary_rows
    from vqfw.data.summary import used

    if found is not None:
        return summary_rows(plan, found)
    data = plan.experiment.data
    why = f"not listed: {missing}" if missing else "listed when the run starts"
    return [
        ("data", f"{data.dataset['type']}, {why}"),
        ("used", used(data.crop, data.image_size)),
    ]


def _data(plan: Plan, outline: Outline, seconds: float | None) -> dict[str, Any]:
    from vqfw.problems.printing import as_data

    checked, training = plan.experiment, plan.experiment.training
    return {
        "name": checked.name,
        "dataset": checked.data.dataset["type"],
        "optimizer": training.optimizer["type"],
        "steps": training.steps,
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "overrides": list(checked.overrides),
        "writes": _writes(checked.name).split(),
        "precision": plan.precision,
        "threads": plan.threads,
        "seed": checked.seed,
        "compression": outline.compression,
        "seconds_per_step": seconds,
        "warnings": as_data(plan.warnings),
        **asdict(outline),
    }


def _lines(
    data: list[tuple[str, str]], plan: Plan, outline: Outline, seconds: float | None
) -> list[str]:
    from vqfw.api.preparation import block
    from vqfw.problems.printing import render

    checked, batch = plan.experiment, plan.experiment.training.batch_size
    augmented = [each["type"] for each in checked.data.augmentations]
    held = f" · {outline.codebook:,} in codebooks" if outline.codebook else ""
    rows = {
        "experiment": f"{checked.name}   {checked.file or ''}",
        "augmented": f"by {', '.join(augmented) or 'nothing'}",
        "pipeline": _pipeline(plan, outline),
        "parameters": f"{outline.trainable:,} trained{held}",
        "memory": _memory(outline, batch),
        "code": _code(outline),
        **_revival(plan, outline),
        "training": _training(plan),
        "time": _time(plan, seconds),
        "writes": _writes(checked.name),
    }
    lines = [f"{label:<13}{text}" for label, text in rows.items()]
    lines.insert(1, block(data))
    lines += [f"changed      {each}   (--set)" for each in checked.overrides]
    if plan.warnings:
        lines.append(render(plan.warnings))
    return [*lines, "Nothing was run."]


def _pipeline(plan: Plan, outline: Outline) -> str:
    model = plan.experiment.model
    shapes = {
        "encoder": outline.latent_shape,
        "quantizer": outline.token_shape,
        "decoder": outline.image_shape,
    }
    parts = [
        f"{model[part]['type']} {_by(shape)}"
        for part, shape in shapes.items()
        if part in model
    ]
    return " ─ ".join([f"image {_by(outline.image_shape)}", *parts])


def _memory(outline: Outline, batch: int) -> str:
    sizes = {
        "weights": outline.weight_bytes,
        "optimizer": outline.optimizer_bytes,
        "activations ≈": outline.activation_bytes,
    }
    parts = BETWEEN.join(f"{what} {_size(of)}" for what, of in sizes.items() if of)
    return f"{parts} at batch {batch}"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _training(plan: Plan) -> str:
    training = plan.experiment.training
    length = (
        f"{training.steps:,} steps"
        if training.steps
        else f"{training.epochs} epochs (their steps depend on the data)"
    )
    return (
        f"{length} of {training.batch_size} images · {training.optimizer['type']} · "
        f"{plan.precision} · {plan.threads} threads · seed {plan.experiment.seed}"
    )


def _writes(name: str) -> str:
    return f"checkpoints/<time>_{name}/  images_saved/<time>_{name}/"


def _code(outline: Outline) -> str:
    if outline.bits_per_image is None:
        return "continuous latents; their rate in bits is learned"
    codes = " + ".join(f"{size:,}" for size in outline.vocabulary)
    positions = math.prod(outline.token_shape[:-1])
    bits = outline.bits_per_image / positions
    most = sum(math.log2(size) for size in outline.vocabulary)
    choice = (
        "" if math.isclose(bits, most, rel_tol=1e-6) else f", {bits:g} bits a position"
    )
    return (
        f"{_by(outline.token_shape)} tokens of {codes} codes{choice} = "
        f"{outline.bits_per_image:,.0f} bits an image · "
        f"compression {outline.compression:.1f}×"
    )


def _revival(plan: Plan, outline: Outline) -> dict[str, str]:
    """The row about revival; none without revival."""
    options = plan.experiment.model.get("revival")
    if options is None:
        return {}
    if not outline.revives:
        return {"revival": f"{options['type']} · idle: the model has no codebooks"}
    return {"revival": f"{options['type']} · every {options['interval']} steps"}


def _time(plan: Plan, seconds: float | None) -> str:
    if seconds is None:
        return "unknown on this machine; --measure times five steps"
    pace = plan.experiment.training.batch_size / seconds
    steps = plan.experiment.training.steps
    total = f" · ≈ {steps * seconds / 60:.1f} min in all" if steps else ""
    return f"{1000 * seconds:.0f} ms a step · {pace:.0f} images/s{total}"


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
