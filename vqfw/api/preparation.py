"""What comes before a model: threads, the plan, the data, and pictures of one's own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vqfw import experiment as experiments
from vqfw.api.talk import Say
from vqfw.errors import DataError, UsageError, VqfwError, in_short
from vqfw.runs import RunFolder
from vqfw.terminal import columns, fitted

if TYPE_CHECKING:
    from vqfw.data.arrays import Images, Splits
    from vqfw.data.found import Found
    from vqfw.plan import Plan


_WIDTH = 80  # of what is said where no terminal says another

Crop = int | Literal["none"]
"""Side of a centred square in pixels of the picture, or the largest square."""

BadImage = Literal["error", "skip"]
"""Whether a picture that cannot be used ends the work, or is left out and named."""


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


def dataset_path(checked: experiments.CheckedExperiment) -> str | None:
    """Where the dataset lies, if it has a path; None for one that needs none."""
    from vqfw.data.locate import locate
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


def require_named_paths(
    folder: RunFolder, checked: experiments.CheckedExperiment
) -> None:
    """Refuses a run that was made elsewhere and leads to files of this person.

    The path of its dataset is another matter: ``--data-path`` names it.

    Raises:
        DataError: naming the option.
    """
    from vqfw.plan import data_paths
    from vqfw.runs.origin import is_made_here

    found = dict(data_paths(checked))
    found.pop("data.dataset.path", None)
    if found and not is_made_here(folder):
        option, path = next(iter(found.items()))
        file = shlex.quote(str(folder.path / "resolved.json"))
        raise DataError(
            f'run "{folder.id}" was not made by you on this machine, and its "{option}" '
            f"reads {path}: if it may, train it yourself: vqfw run {file}"
        )


def dataset_path_of_run(
    folder: RunFolder,
    checked: experiments.CheckedExperiment,
    named: str | Path | None,
    again: str,
) -> str | None:
    """Where the data of a run lies; None for a dataset that has no path.

    A run that was made elsewhere leads to no data outside of its folder: then this person
    has to name the place.

    Args:
        folder: of the run.
        checked: its experiment.
        named: the place, if this person names it.
        again: the command of this call, to which a repair adds ``--data-path PATH``.

    Raises:
        UsageError: if the dataset has no path and one is named.
        DataError: if there is nothing, or it must be named.
    """
    from vqfw.data.locate import locate
    from vqfw.runs.origin import is_made_here

    options = checked.data.dataset
    if "path" not in options:
        if named is not None:
            raise UsageError(
                f'dataset "{options["type"]}" of run "{folder.id}" has no path: leave '
                "--data-path out"
            )
        return None
    if named is not None:
        return str(
            locate(
                str(named),
                usual_names=(),
                experiment_folder=None,
                typed=True,
                repair="correct --data-path",
            )
        )
    recorded = folder.environment.get("dataset_path")
    asked = f"{again} --data-path {shlex.quote(recorded or options['path'] or 'PATH')}"
    is_own = is_made_here(folder)
    unnamed = DataError(
        f'run "{folder.id}" was not made by you on this machine, so its data is read '
        f"only if you name it: {asked}"
    )
    if not is_own and options["path"]:
        raise unnamed
    if is_own and recorded is not None and Path(recorded).exists():
        return str(recorded)
    try:
        return dataset_path(checked)
    except DataError as error:
        if not is_own:
            raise unnamed from error
        raise DataError(
            f'the data of run "{folder.id}" is not at {recorded} any more: name its new '
            f"place: {again} --data-path PATH"
        ) from error


def splits_of(plan: Plan, quiet: bool, say: Say) -> Splits:
    """The images of an experiment, read once and kept; ``say`` is told what is odd."""
    splits = _prepared(plan, quiet, say)
    for note in (*splits.notes, *_empty_splits(plan, splits.found)):
        say(note)
    return splits


def splits_to_train_on(plan: Plan, quiet: bool, say: Say) -> Splits:
    """The same; ``say`` is told in one block what was found and how it is divided."""
    splits = _prepared(plan, quiet, say)
    text = block(found_rows(plan, splits.found))
    say(fitted(text, columns(sys.stderr) or _WIDTH))
    return splits


def survey_of(plan: Plan) -> Found | None:
    """What a run would find and how it would divide it; pictures are listed, not read.

    Returns:
        None for a dataset that draws its pictures, or may have to fetch them.

    Raises:
        DataError: if the data is missing or unusable.
    """
    from vqfw.data.found import survey
    from vqfw.registry import index

    entry = index().find("dataset", plan.experiment.data.dataset["type"])
    if entry.first_party:
        return survey(plan.dataset, **_division(plan))
    if plan.dataset_path is None:
        return None
    try:
        return survey(plan.dataset, **_division(plan))
    except VqfwError:
        raise
    except Exception as error:  # of other people's code
        raise DataError(
            f'dataset "{entry.name}" of {entry.owner} cannot list its pictures '
            f"({in_short(error)}): {entry.remedy}"
        ) from error


def found_rows(plan: Plan, found: Found) -> list[tuple[str, str]]:
    """What was found, as rows of a label and a text."""
    data = plan.experiment.data
    where = plan.dataset_path or data.dataset["type"]
    rows = found.rows(where, data.crop, data.image_size)
    return [*rows, *(("note", each) for each in _empty_splits(plan, found))]


def block(rows: Sequence[tuple[str, str]]) -> str:
    """Rows as lines: a label, and a text in the fourteenth column."""
    return "\n".join(f"{label:<13}{text}" for label, text in rows)


def _prepared(plan: Plan, quiet: bool, say: Say) -> Splits:
    from vqfw.data.arrays import prepare
    from vqfw.runs.places import cache_folder

    data, cache = plan.experiment.data, cache_folder()
    if cache is None:
        say(
            "there is no home folder, so the decoded pictures are not kept: set VQFW_CACHE "
            "to a folder to keep them in"
        )
    with _reading(quiet) as progress:
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


def _empty_splits(plan: Plan, found: Found) -> Iterator[str]:
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


def pictures_of(
    plan: Plan,
    data: str | Path,
    quiet: bool,
    say: Say,
    crop: Crop | None = None,
    on_bad_image: BadImage | None = None,
) -> Images:
    """A person's own pictures, cropped and sized as the run's were.

    Args:
        plan: of the run.
        data: a folder or an archive.
        quiet: whether to show no progress.
        say: told which part of the pictures is used, and which ones are left out.
        crop: side of the centred square in source pixels, or ``none`` for the largest;
            None for that of the run.
        on_bad_image: None for what holds in the run.

    Raises:
        DataError: if there are no pictures, or one of them cannot be used.
        UsageError: if the crop is none.
    """
    from vqfw.data.arrays import read_pictures
    from vqfw.data.locate import locate
    from vqfw.kinds.catalog import KINDS
    from vqfw.registry import build

    if (isinstance(crop, str) and crop != "none") or (
        isinstance(crop, int) and crop < 1
    ):
        raise UsageError(
            f'crop {crop!r} is not allowed: give a number of pixels, or "none" for the '
            "largest square"
        )
    if on_bad_image not in (None, "error", "skip"):
        raise UsageError(
            f'on_bad_image {on_bad_image!r} is not allowed: give "error" or "skip"'
        )
    settings = plan.experiment.data
    side = settings.crop if crop is None else crop
    shorthand = KINDS["dataset"].shorthand
    assert shorthand is not None
    path = locate(
        str(data),
        usual_names=(),
        experiment_folder=None,
        typed=True,
        repair="correct the path",
    )
    options = {"type": shorthand.component, shorthand.option: str(path)}
    with _reading(quiet) as progress:
        images, notes = read_pictures(
            build("dataset", options, {}),
            crop=side if isinstance(side, int) else None,
            image_size=settings.image_size,
            channels=plan.dataset.channels,
            on_bad_image=on_bad_image or settings.on_bad_image,
            progress=progress,
        )
    for note in notes:
        say(note)
    return images


def _reading(quiet: bool) -> Any:
    """Shows how many pictures were read, once that takes long enough to wonder."""
    from vqfw.data.progress import reading

    return reading(quiet)
