"""Scores and times of finished runs, read from their records; no image is scored here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vqfw.runs import RunFolder

_TITLES = {
    "psnr": "PSNR",
    "ssim": "SSIM",
    "codebook_usage": "usage",
    "bits_per_image": "bits an image",
    "revived_in_use": "revived in use",
    "images_per_second": "images/s",
}
_WHOLE = frozenset({"steps", "images_per_second", "bits_per_image"})
# Units that are not shown: the title implies them.
_SAID = frozenset({"", "codes"})


@dataclass(frozen=True)
class Column:
    """One number that finished runs have.

    Args:
        name: a metric's, or ``bits_per_image``, ``revived_in_use`` (share of the revived
            codes that were in use 100 steps later), ``steps``, ``images_per_second``,
            ``minutes``.
        unit: such as ``dB``; may be empty.
        better: ``higher`` or ``lower``; empty where neither is.
    """

    name: str
    unit: str = ""
    better: str = ""

    @property
    def title(self) -> str:
        """Its title in a table, with the unit."""
        title = _TITLES.get(self.name, self.name.replace("_", " "))
        return title if self.unit in _SAID else f"{title} {self.unit}"

    def digits(self, values: Sequence[float]) -> int:
        """Number of decimals for some of its values: about four significant digits."""
        if self.name in _WHOLE:
            return 0
        if self.name == "minutes":
            return 1
        largest = max(map(abs, values), default=0.0)
        if largest < 1.0 or math.isclose(largest, 1.0):
            return 3
        return max(0, 3 - int(math.log10(largest)))


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


def columns_of(runs: Sequence[RunFolder]) -> Iterator[Column]:
    """The columns of all numbers of the runs: scores in their order, then the others."""
    metrics: dict[str, Column] = {}
    for run in runs:
        for name, entry in scores_of(run).items():
            if isinstance(entry, Mapping) and name not in metrics:
                metrics[name] = Column(
                    name, entry.get("unit") or "", entry.get("better") or ""
                )
    yield from metrics.values()
    others = (
        "bits_per_image",
        "revived_in_use",
        "steps",
        "images_per_second",
        "minutes",
    )
    present = {name for run in runs for name in numbers_of(run)}
    yield from (Column(name) for name in others if name in present)
