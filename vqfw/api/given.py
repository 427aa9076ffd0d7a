"""Training on an array that a caller hands over, in place of the dataset of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vqfw.api.talk import Say
from vqfw.errors import UsageError

if TYPE_CHECKING:
    from vqfw.data.given import GivenImages
    from vqfw.experiment import CheckedExperiment
    from vqfw.plan import Plan


def given_images(images: Any, groups: Sequence[Any] | None) -> GivenImages | None:
    """The array of a call, checked; None where there is none.

    Raises:
        DataError: if the images or groups cannot be trained on.
        UsageError: if there are groups and no images.
    """
    from vqfw.api.arrays import training_images
    from vqfw.data.given import with_groups

    if images is not None:
        return with_groups(training_images(images), groups)
    if groups is not None:
        raise UsageError("groups are given without images: add images=array")
    return None


def on_array(
    checked: CheckedExperiment, given: GivenImages | None, say: Say
) -> CheckedExperiment:
    """The experiment with the dataset ``arrays``; unchanged where no array is given."""
    from vqfw.data.given import ARRAYS

    if given is None:
        return checked
    if (dataset := checked.data.dataset["type"]) != ARRAYS:
        say(
            f'dataset "{dataset}" is not read: the run trains on the array of '
            f"{len(given.pixels):,} images"
        )
    options = {"type": ARRAYS, "channels": given.channels}
    return checked.set({"data.dataset": options})


def with_array(plan: Plan, given: GivenImages | None) -> Plan:
    """The plan with the array as its dataset; unchanged where none is given."""
    return plan if given is None else replace(plan, dataset=given)
