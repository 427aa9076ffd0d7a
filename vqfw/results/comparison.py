"""Compares runs by their records: settings, versions and scores. Runs nothing.

``vqfw.results.compare_table`` holds the comparison and prints its table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vqfw.errors import RunError
from vqfw.experiment.later import with_later_defaults
from vqfw.experiment.origins import leaves
from vqfw.results.columns import Column, columns_of
from vqfw.results.compare_table import Comparison, Difference, Result
from vqfw.results.recorded import intervals_of, numbers_of, scored_on, scores_of
from vqfw.runs import RunFolder
from vqfw.runs.exactness import differing
from vqfw.schema.settings import ABOUT

# Lists without an order: their items are compared by type, not by position.
_UNORDERED = re.compile(r"(losses|evaluation\.metrics|training\.trackers)\[(\d+)\]")


def compare_folders(runs: Sequence[RunFolder]) -> Comparison:
    """Compares runs with the first one.

    Raises:
        RunError: if there are fewer than two, or the records of one cannot be read.
    """
    if len({run.id for run in runs}) < 2:
        names = ", ".join(dict.fromkeys(run.id for run in runs)) or "none"
        raise RunError(f"two runs are needed to compare, got {names}: name another")
    environments = [run.environment for run in runs]
    facts = differing(environments)
    return Comparison(
        runs=tuple(run.id for run in runs),
        settings=tuple(_settings(runs)),
        surroundings=tuple(Difference(name, values) for name, values in facts.items()),
        results=tuple(_result(column, runs) for column in columns_of(runs)),
        unfair=tuple(_unfair(runs, "data" in facts)),
    )


def _settings(runs: Sequence[RunFolder]) -> Iterator[Difference]:
    all_leaves = [_leaves(run) for run in runs]
    paths = dict.fromkeys(path for each in all_leaves for path in each)
    for path in paths:
        pairs = [each.get(path, (None, None)) for each in all_leaves]
        values, origins = zip(*pairs, strict=True)
        if len({_comparable(value) for value in values}) > 1:
            yield Difference(path, values, origins)


def _comparable(value: Any) -> str:
    """A text, equal for equal settings: 1 equals 1.0, and neither equals true."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return json.dumps(float(value) if number else value)


def _leaves(run: RunFolder) -> dict[str, tuple[Any, str | None]]:
    """Path → value and origin; in a list without order the type takes the place of the index."""
    values, origins = with_later_defaults(run.resolved), run.origins
    pairs = {}
    for path, value in leaves({k: v for k, v in values.items() if k not in ABOUT}):
        name = _UNORDERED.sub(lambda item: _by_type(values, item), path)
        pairs[name] = (value, origins.get(path))
    return pairs


def _by_type(values: Mapping[str, Any], item: re.Match[str]) -> str:
    items: Any = values
    for key in item[1].split("."):
        items = items[key]
    return f"{item[1]}.{items[int(item[2])]['type']}"


def _result(column: Column, runs: Sequence[RunFolder]) -> Result:
    return Result(
        column,
        tuple(numbers_of(run).get(column.name) for run in runs),
        tuple(intervals_of(run).get(column.name) for run in runs),
    )


def _unfair(runs: Sequence[RunFolder], other_data: bool) -> Iterator[str]:
    unfinished = [run.id for run in runs if not run.training]
    if unfinished:
        yield f"not finished: {', '.join(unfinished)}"
    sizes = [run.resolved["data"]["image_size"] for run in runs]
    if len(set(sizes)) > 1:
        yield f"images of {_listed(sizes)} pixels"
    elif other_data:
        yield "not the same images"
    budgets = [
        run.training.get("steps", 0) * run.resolved["training"]["batch_size"]
        for run in runs
    ]
    if not unfinished and len(set(budgets)) > 1:
        yield f"trained on {_listed(f'{each:,}' for each in budgets)} images in all"
    scored = [scored_on(run) for run in runs if scores_of(run)]
    if len(set(scored)) > 1:
        yield f"scored on {_listed(scored)}"


def _listed(values: Any) -> str:
    return " and ".join(dict.fromkeys(map(str, values)))
