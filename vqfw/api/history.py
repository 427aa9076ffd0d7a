"""What a run recorded while it trained, as NumPy columns."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from vqfw.errors import UsageError
from vqfw.runs import RunFolder
from vqfw.runs.log import series_of


class Recorded(dict[str, Any]):
    """A mapping whose error for a missing name lists the names that there are."""

    def __missing__(self, name: str) -> Any:
        raise KeyError(f"{name} (recorded are {', '.join(self)})")


class History(Recorded):
    """NumPy columns by name, one row for each recorded step.

        history = run.history
        plt.plot(history["step"], history["loss"])
        plt.plot(history["step"], history["validation_psnr"], "o")
        list(history)                                # the names of the columns

    ``step`` is int64 and counts from 1; every other column is float64, with NaN in the
    rows of steps at which it was not recorded. ``reconstruction`` is the weighted sum of
    the reconstruction terms; names that begin with ``validation_`` are scores of the
    validation images.
    """

    def __init__(self, run: RunFolder) -> None:
        series = series_of(run)
        steps = sorted({step for pairs in series.values() for step, _ in pairs})
        row = {step: number for number, step in enumerate(steps)}
        self["step"] = np.array(steps, np.int64)
        for name, pairs in series.items():
            column = self[name] = np.full(len(steps), np.nan)
            for step, value in pairs:
                column[row[step]] = value

    def __repr__(self) -> str:
        return f"<History of {len(self['step']):,} steps: {', '.join(self)}>"

    def to_pandas(self) -> Any:
        """The columns as a ``pandas.DataFrame``.

        Raises:
            UsageError: if pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise UsageError(
                "to_pandas() needs pandas, which is not installed: pip install pandas"
            ) from error
        return pandas.DataFrame(dict(self))
