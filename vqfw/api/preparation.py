"""The images of a plan: read, divided into splits, and described."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vqfw.api.talk import speaker
from vqfw.errors import DataError, VqfwError, in_short
from vqfw.terminal import columns, fitted

if TYPE_CHECKING:
    from vqfw.data.arrays import Splits
    from vqfw.data.splits import SplitRule
    from vqfw.data.summary import DataSummary
    from vqfw.plan import Plan


_WIDTH = 80  # of what is said where no terminal says another


def splits_of(plan: Plan, quiet: bool) -> Splits:
    """The splits of a plan, read or taken from the cache; notes go to stderr."""
    splits, say = _prepared(plan, quiet), speaker(quiet)
    for note in data_notes(plan, splits.summary):
        say(note)
    return splits


def data_notes(plan: Plan, summary: DataSummary) -> list[str]:
    """Notes on the data of a plan and its splits, a sentence each."""
    return [*summary.notes, *_empty_splits(plan, summary)]


def splits_to_train_on(plan: Plan, quiet: bool) -> Splits:
    """The splits of a plan; a description of them goes to stderr."""
    splits = _prepared(plan, quiet)
    text = block(summary_rows(plan, splits.summary))
    speaker(quiet)(fitted(text, columns(sys.stderr) or _WIDTH))
    return splits


def summary_of(plan: Plan) -> DataSummary | None:
    """The numbers of pictures, groups and splits, from a listing: no picture is read.

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
        return summarize_listing(plan.dataset, _split_rule(plan))
    except Exception as error:
        if entry.first_party or isinstance(error, VqfwError):
            raise
        raise DataError(
            f'dataset "{entry.name}" of {entry.owner} cannot list its pictures '
            f"({in_short(error)}): {entry.remedy}"
        ) from error


def summary_rows(plan: Plan, summary: DataSummary) -> list[tuple[str, str]]:
    """A summary as rows of a label and a text."""
    data = plan.experiment.data
    where = plan.dataset_path or data.dataset["type"]
    rows = summary.rows(where, data.crop, data.image_size)
    return [*rows, *(("note", each) for each in _empty_splits(plan, summary))]


def block(rows: Sequence[tuple[str, str]]) -> str:
    """Rows as lines: a label, and a text in the fourteenth column."""
    return "\n".join(f"{label:<13}{text}" for label, text in rows)


def _prepared(plan: Plan, quiet: bool) -> Splits:
    from vqfw.data.arrays import prepare
    from vqfw.data.given import GivenImages
    from vqfw.data.progress import reading_progress
    from vqfw.runs.places import cache_folder

    data, cache = plan.experiment.data, cache_folder()
    if isinstance(plan.dataset, GivenImages):
        cache = None  # in memory already
    elif cache is None:
        speaker(quiet)(
            "there is no home folder, so the decoded pictures are not kept: set VQFW_CACHE "
            "to a folder to keep them in"
        )
    with reading_progress(quiet) as progress:
        return prepare(
            plan.dataset,
            _split_rule(plan),
            crop=data.crop,
            image_size=data.image_size,
            cache=cache,
            on_bad_image=data.on_bad_image,
            progress=progress,
        )


def _split_rule(plan: Plan) -> SplitRule:
    from vqfw.data.splits import SplitRule

    data = plan.experiment.data
    return SplitRule(
        data.validation, data.test, data.split_seed, plan.split_by, data.group_level
    )


def _empty_splits(plan: Plan, summary: DataSummary) -> Iterator[str]:
    """A sentence for each split that will be empty because a group stays together."""
    train = summary.parts["train"]
    if summary.split_by == "image" or summary.official_folders:
        return
    for name in ("validation", "test"):
        share = getattr(plan.experiment.data, name)
        # With more groups it is a dataset's own list that leaves the split empty.
        if summary.parts[name].pictures or train.groups >= 3 or not share:
            continue
        yield (
            f"there are no {name} images: the {train.pictures:,} training images "
            f"belong to {train.groups:,} group{'s' if train.groups != 1 else ''}, and "
            "a group stays together. To divide them: --set data.split_by=image"
        )
