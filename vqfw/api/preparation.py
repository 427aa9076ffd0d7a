"""What comes before a model: threads, the plan, and the data of an experiment."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vqfw import experiment as experiments
from vqfw.api.talk import speaker
from vqfw.api.turn import one_at_a_time
from vqfw.errors import DataError, VqfwError, in_short
from vqfw.terminal import columns, fitted

if TYPE_CHECKING:
    from vqfw.assembly.outline import Outline
    from vqfw.data.arrays import Splits
    from vqfw.data.summary import DataSummary
    from vqfw.plan import Plan


_WIDTH = 80  # of what is said where no terminal says another


def plan_of(
    checked: experiments.CheckedExperiment,
    dataset_path: str | None,
    threads: int | None = None,
) -> Plan:
    """Makes a plan, after the threads were pinned that it is going to say."""
    from vqfw.assembly.backend import pin_threads
    from vqfw.plan import make_plan, settled_threads

    pin_threads(threads or settled_threads(checked.training.threads))
    plan = make_plan(checked, dataset_path)
    return plan if threads is None else replace(plan, threads=threads)


@one_at_a_time()
def outlined(plan: Plan, measured: bool = False) -> tuple[Outline, float | None]:
    """The sizes of a plan, and the seconds of a training step where they are measured.

    Raises:
        RunError: if another thread of this process is training.
    """
    from vqfw.assembly.outline import outline_of, seconds_per_step

    return outline_of(plan), seconds_per_step(plan) if measured else None


def dataset_path(checked: experiments.CheckedExperiment) -> str | None:
    """Where the dataset lies, if it has a path; None for one that needs none."""
    from vqfw.data.location import locate
    from vqfw.registry import load as load_component

    options = checked.data.dataset
    if "path" not in options:
        return None
    component = load_component("dataset", options["type"])
    origin = checked.origins["data.dataset.path"]
    found = locate(
        options["path"],
        usual_names=getattr(component, "usual_names", ()),
        experiment_folder=origin.folder or checked.folder,
        typed=origin.overridden,
    )
    return str(found)


def splits_of(plan: Plan, quiet: bool) -> Splits:
    """The images of an experiment, read once and kept; what is odd is told."""
    splits, say = _prepared(plan, quiet), speaker(quiet)
    for note in (*splits.notes, *_empty_splits(plan, splits.summary)):
        say(note)
    return splits


def splits_to_train_on(plan: Plan, quiet: bool) -> Splits:
    """The same; one block tells what was found and how it is divided."""
    splits = _prepared(plan, quiet)
    text = block(found_rows(plan, splits.summary))
    speaker(quiet)(fitted(text, columns(sys.stderr) or _WIDTH))
    return splits


def survey_of(plan: Plan) -> DataSummary | None:
    """What a run would find and how it would divide it; pictures are listed, not read.

    Returns:
        None for a dataset that draws its pictures, or may have to fetch them, and for
        an array.

    Raises:
        DataError: if the data is missing or unusable.
    """
    from vqfw.data.given import ARRAYS
    from vqfw.data.summary import summarize_listing
    from vqfw.registry import index

    if plan.experiment.data.dataset["type"] == ARRAYS:
        return None
    entry = index().find("dataset", plan.experiment.data.dataset["type"])
    if not entry.first_party and plan.dataset_path is None:
        return None
    try:
        return summarize_listing(plan.dataset, **_division(plan))
    except Exception as error:
        if entry.first_party or isinstance(error, VqfwError):
            raise
        raise DataError(
            f'dataset "{entry.name}" of {entry.owner} cannot list its pictures '
            f"({in_short(error)}): {entry.remedy}"
        ) from error


def found_rows(plan: Plan, found: DataSummary) -> list[tuple[str, str]]:
    """What was found, as rows of a label and a text."""
    data = plan.experiment.data
    where = plan.dataset_path or data.dataset["type"]
    rows = found.rows(where, data.crop, data.image_size)
    return [*rows, *(("note", each) for each in _empty_splits(plan, found))]


def block(rows: Sequence[tuple[str, str]]) -> str:
    """Rows as lines: a label, and a text in the fourteenth column."""
    return "\n".join(f"{label:<13}{text}" for label, text in rows)


def _prepared(plan: Plan, quiet: bool) -> Splits:
    from vqfw.data.arrays import prepare
    from vqfw.data.given import GivenImages
    from vqfw.data.progress import reading
    from vqfw.runs.places import cache_folder

    data, cache = plan.experiment.data, cache_folder()
    if isinstance(plan.dataset, GivenImages):
        cache = None  # in memory already
    elif cache is None:
        speaker(quiet)(
            "there is no home folder, so the decoded pictures are not kept: set VQFW_CACHE "
            "to a folder to keep them in"
        )
    with reading(quiet) as progress:
        return prepare(
            plan.dataset,
            crop=data.crop,
            image_size=data.image_size,
            cache=cache,
            on_bad_image=data.on_bad_image,
            progress=progress,
            **_division(plan),
        )


def _division(plan: Plan) -> dict[str, Any]:
    """How the pictures are divided."""
    data = plan.experiment.data
    return {
        "split_by": plan.split_by,
        "group_level": data.group_level,
        "validation_share": data.validation,
        "test_share": data.test,
        "split_seed": data.split_seed,
    }


def _empty_splits(plan: Plan, found: DataSummary) -> Iterator[str]:
    """Says, before training, which splits will have nothing to show."""
    train = found.parts["train"]
    if found.split_by == "image" or found.official_folders:
        return
    for name in ("validation", "test"):
        share = getattr(plan.experiment.data, name)
        # With more groups it is a dataset's own list that leaves the split empty.
        if found.parts[name].pictures or train.groups >= 3 or not share:
            continue
        yield (
            f"there are no {name} images: the {train.pictures:,} training images "
            f"belong to {train.groups:,} group{'s' if train.groups != 1 else ''}, and "
            "a group stays together. To divide them: --set data.split_by=image"
        )
