"""Scores and times of finished runs, read from their records; no image is scored here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vqfw.runs import RunFolder


def scores_of(run: RunFolder) -> Mapping[str, Any]:
    """The recorded test scores; without a test split, those of validation."""
    scores = run.scores
    split: Mapping[str, Any] = scores.get("test") or scores.get("validation") or {}
    return split


def scored_on(run: RunFolder) -> str:
    """The number and the split of the scored images."""
    split = "test" if run.scores.get("test") else "validation"
    count = int(scores_of(run).get("images", 0))
    return f"{count:,} {split} images"


def seconds_of(run: RunFolder) -> float | None:
    """Seconds of training; None if they were not measured.

    Of a resumed run, the steps times the median time of a step.
    """
    training = run.training
    seconds, pace = training.get("seconds"), training.get("images_per_second")
    if seconds is not None:
        return float(seconds)
    if not pace:
        return None
    batch = run.resolved["training"]["batch_size"]
    return float(training["steps"] * batch / pace)


def numbers_of(run: RunFolder) -> dict[str, float]:
    """Scores, pace and revival of a run, by the names of their columns.

    A number that does not apply or was not measured is left out.
    """
    scores, training = scores_of(run), run.training
    numbers = {
        name: float(entry["value"])
        for name, entry in scores.items()
        if isinstance(entry, Mapping) and entry["value"] is not None
    }
    if scores.get("bits_per_image"):
        numbers["bits_per_image"] = float(scores["bits_per_image"])
    revival = training.get("revival") or {}
    if revival.get("examined"):
        numbers["revived_in_use"] = revival.get("survived", 0) / revival["examined"]
    for name in ("steps", "images_per_second"):
        if training.get(name):
            numbers[name] = float(training[name])
    seconds = seconds_of(run) if training else None
    if seconds is not None:
        numbers["minutes"] = seconds / 60
    return numbers


def reached(run: RunFolder) -> str:
    """The scores of a run, to be appended to a line."""
    numbers, scores = numbers_of(run), scores_of(run)
    names = [name for name, entry in scores.items() if isinstance(entry, Mapping)]
    return "".join(
        f" · {each} {numbers[each]:.4g}" for each in names if each in numbers
    )


def intervals_of(run: RunFolder) -> dict[str, tuple[float, float]]:
    """95 % confidence over the images, low and high, by metric, where there is one."""
    return {
        name: (entry["interval"][0], entry["interval"][1])
        for name, entry in scores_of(run).items()
        if isinstance(entry, Mapping) and entry.get("interval")
    }
