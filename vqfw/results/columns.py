"""The columns of a table of runs: which there are, their titles, their decimals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vqfw.results.recorded import numbers_of, scores_of
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
