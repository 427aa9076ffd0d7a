"""Rules between several settings, which the schema cannot express.

They hold for the engine's own sections. Rules between the options of a component and
other settings belong to the ``check`` of that component.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vqfw.errors import KeyPath, Problem
from vqfw.schema.document import NAME_PATTERN
from vqfw.suggestions import did_you_mean

Values = Mapping[str, Any]


def broken_rules(values: Values) -> list[Problem]:
    """Checks a whole experiment, defaults included.

    Values of a wrong type are skipped: the schema reports them.
    """
    return [problem for rule in _RULES for problem in rule(values)]


def _length(values: Values) -> Iterator[Problem]:
    training = _at(values, ("training",), dict)
    if training is None:
        return
    steps, epochs = training.get("steps"), training.get("epochs")
    if steps is None and epochs is None:
        yield Problem(
            "missing-key",
            '"training" needs "steps" or "epochs"',
            ("training", "steps"),
            help='add "steps", the number of optimizer steps',
        )
    elif steps is not None and epochs is not None:
        yield Problem(
            "conflicting-settings",
            f'"steps" ({steps}) and "epochs" ({epochs}) are both set',
            ("training", "epochs"),
            help="keep one, and remove the other or set it to null",
        )


def _early_stopping(values: Values) -> Iterator[Problem]:
    path = ("training", "early_stopping", "metric")
    metric = _at(values, path, str)
    known = _metrics(values)
    if metric is None or known is None or metric in known:
        return
    yield Problem(
        "not-allowed",
        f'"{metric}" is not a metric of this experiment',
        path,
        help=did_you_mean(metric, known)
        or f'add "{metric}" to "evaluation.metrics", or name another',
        note=f"evaluation.metrics has {', '.join(known) or 'none'}",
    )


def _split(values: Values) -> Iterator[Problem]:
    validation = _at(values, ("data", "validation"), int, float)
    test = _at(values, ("data", "test"), int, float)
    if validation is None or test is None or not 0 <= validation <= 1:
        return
    if test <= 1 <= validation + test:
        yield Problem(
            "conflicting-settings",
            f'"validation" {validation:g} and "test" {test:g} leave no image to train on',
            ("data", "test"),
            help="make their sum less than 1",
        )


def _upscaling(values: Values) -> Iterator[Problem]:
    crop = _at(values, ("data", "crop"), int)
    size = _at(values, ("data", "image_size"), int)
    if crop is not None and size is not None and 0 < crop < size:
        yield Problem(
            "upscaling",
            f'"crop" ({crop} pixels) is smaller than "image_size" ({size})',
            ("data", "crop"),
            help=f'set "crop" to {size} or more, or "image_size" to {crop} or less',
            severity="warning",
        )


def _learning_rate(values: Values) -> Iterator[Problem]:
    path = ("training", "optimizer", "learning_rate")
    rate = _at(values, path, int, float)
    if rate is not None and rate <= 0:
        yield Problem(
            "out-of-range",
            f'"learning_rate" must be above 0, got {rate:g}',
            path,
            help="write a number above 0",
        )


def _name(values: Values) -> Iterator[Problem]:
    name = _at(values, ("name",), str)
    # "$" in the pattern also matches before a line end, here but not in an editor.
    if name is not None and name.endswith("\n") and re.search(NAME_PATTERN, name):
        yield Problem(
            "bad-name", "the name ends in a line break", ("name",), help="remove \\n"
        )


def _duplicates(values: Values) -> Iterator[Problem]:
    """Losses, metrics and trackers are recorded by name, so each may be listed once."""
    for path in (("losses",), ("evaluation", "metrics"), ("training", "trackers")):
        items = _at(values, path, list) or []
        first: dict[str, int] = {}
        for i, each in enumerate(items):
            name = _at(each, ("type",), str)
            if name is None or first.setdefault(name, i) == i:
                continue
            both = " and give the other the sum of both weights"
            yield Problem(
                "duplicate-component",
                f'"{name}" is listed twice in "{path[-1]}", as items {first[name]} and {i}',
                (*path, i, "type"),
                help=f"remove one{both if path == ('losses',) else ''}",
                note="each is recorded under its name",
            )


def _expected(values: Values) -> Iterator[Problem]:
    expected = _at(values, ("expected",), dict) or {}
    known = [*(_metrics(values) or ()), "minutes"]
    for name in expected:
        question = "" if name in known else did_you_mean(name, known)
        if question:
            yield Problem(
                "unknown-score",
                f'"expected" has "{name}", which is not a score of this experiment',
                ("expected", name),
                help=question,
                severity="warning",
            )


_RULES: tuple[Callable[[Values], Iterator[Problem]], ...] = (
    _length,
    _early_stopping,
    _split,
    _upscaling,
    _learning_rate,
    _name,
    _duplicates,
    _expected,
)


def _metrics(values: Values) -> list[str] | None:
    """The names of the metrics; None where they are no list."""
    metrics = _at(values, ("evaluation", "metrics"), list)
    if metrics is None:
        return None
    names = [_at(each, ("type",), str) for each in metrics]
    return [name for name in names if name is not None]


def _at(values: Any, path: KeyPath, *types: type) -> Any:
    """The value at a path if it has one of these types, else None."""
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return None
    return (
        values if isinstance(values, types) and not isinstance(values, bool) else None
    )
