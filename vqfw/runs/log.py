"""``metrics.jsonl`` of a run: what each step and each validation recorded, as numbers by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from vqfw.runs.files import read_own
from vqfw.runs.folder import RunFolder
from vqfw.runs.records import having, whole

_LINE = having({"step": whole(0)})

Series = Mapping[str, Sequence[tuple[int, float]]]
"""Values by name, each with its step, in the order of the steps."""


def series_of(run: RunFolder) -> dict[str, list[tuple[int, float]]]:
    """Reads the log; empty where there is none, without lines that are damaged."""
    series: dict[str, list[tuple[int, float]]] = {}
    try:
        text = read_own(run.path / "metrics.jsonl", None).decode("utf-8", "replace")
    except OSError:
        return series
    for line in text.splitlines():
        try:
            values = json.loads(line)
            _LINE(values, "")
            step = values.pop("step")
            numbers = {name: float(value) for name, value in values.items()}
        # Cut off while it was written, or damaged.
        except (ValueError, TypeError, OverflowError, RecursionError):
            continue
        for name, value in numbers.items():
            series.setdefault(name, []).append((step, value))
    return series
