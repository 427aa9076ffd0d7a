"""Reads a study file into a checked ``Grid``, or raises with all its problems.

Every run is checked as ``vqfw validate`` checks an experiment: the settings of an arm are a
layer over the experiment, so a mistake in them is reported with its place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vqfw.errors import ExperimentError, Problem
from vqfw.experiment.files import chain_named_in
from vqfw.experiment.loading import text_of
from vqfw.experiment.overrides import Override, override_at
from vqfw.problems.findings import schema_problems
from vqfw.schema.settings import ABOUT
from vqfw.study.checking import checked_grid
from vqfw.study.grid import Grid
from vqfw.study.labels import axis_names, value_labels
from vqfw.study.schema import study_schema
from vqfw.study.sheet import Base, Layer, Sheet
from vqfw.text.reader import scan
from vqfw.text.tree import Node

# A larger grid is taken for a mistake: one list too many.
MAX_POINTS = 1000

_SEED = "seed"


def load_grid(path: str | Path, overrides: Sequence[str] = ()) -> Grid:
    """Reads a study file and checks every run of it.

    Args:
        path: the file.
        overrides: ``path=value`` arguments for every run, as given to ``--set``.

    Raises:
        ExperimentError: with all problems, the study's before the experiment's.
        PluginError: the same, if every problem is a component that cannot be used.
    """
    path = Path(path)
    root, problems = scan(text_of(path), str(path))
    if root is None or not isinstance(root.value, dict):
        if root is not None:
            fact, help_ = "a study must be an object", "write {...}"
            problems.append(Problem("wrong-type", fact, help=help_, place=root.place))
        raise ExperimentError(problems)
    problems += schema_problems(root, study_schema(), {})
    sheet = Sheet(path, root, tuple(overrides), problems)
    base = _experiment(sheet)
    arms, axes, seeds = _arms(sheet), *_axes(sheet)
    _conflicts(sheet, arms, [*axes, seeds])
    count = math.prod(map(len, (arms, seeds, *axes)))
    if count > MAX_POINTS:
        sheet.note(
            "too-big",
            f"the study has {count:,} runs, and {MAX_POINTS:,} are allowed",
            "vary fewer paths or values",
            root.value["vary"],
        )
    elif base is not None:
        return checked_grid(sheet, base, arms, axes, seeds)
    raise ExperimentError(problems)


def _experiment(sheet: Sheet) -> Base | None:
    node = sheet.root.value.get("experiment")
    if node is None or not isinstance(node.value, str):
        return None
    name = str(sheet.path)
    chain, text, problem = chain_named_in(sheet.path, name, "experiment", node)
    if chain is None:
        sheet.problems += [problem] if problem is not None else []
        return None
    file = Path(next(iter(chain.files)))
    files = {name: sheet.path.resolve(), **chain.files}
    return Base(replace(chain, files=files), text, file)


def _arms(sheet: Sheet) -> list[Layer]:
    arms = []
    for label, node in sheet.members("arms").items():
        if not label.strip() or not label.isprintable():
            fact = "the name of an arm must have visible characters"
            sheet.note("bad-name", fact, 'write "arms": {"my arm": {...}}', node)
        if isinstance(node.value, dict):
            pairs = (_override(sheet, key, each) for key, each in node.value.items())
            arms.append(Layer(label, tuple(each for each in pairs if each)))
    return arms if sheet.members("arms") else [Layer("", ())]


def _axes(sheet: Sheet) -> tuple[list[list[Layer]], list[Layer]]:
    """The values of every path but the seed, and those of the seed."""
    varied = {
        path: node
        for path, node in sheet.members("vary").items()
        if isinstance(node.value, list)
    }
    others = [path for path in varied if path != _SEED]
    names = dict(zip(others, axis_names(others), strict=True))
    axes: dict[str, list[Layer]] = {}
    for path, node in varied.items():
        values = [value.plain() for value in node.value]
        labels = (
            value_labels(names[path], values) if path in names else [""] * len(values)
        )
        axes[path] = []
        for value, label in zip(node.value, labels, strict=True):
            override = _override(sheet, path, replace(value, key=node.key))
            axes[path].append(Layer(label, (override,) if override else ()))
    seeds = axes.pop(_SEED, None) or [Layer("", ())]
    return [axis for axis in axes.values() if axis], seeds


def _override(sheet: Sheet, path: str, node: Node) -> Override | None:
    place = node.key or node.place
    override, problems = override_at(path, place, node)
    if override is not None and override.path[0] in ABOUT:
        fact = f'"{path}" has no effect on a run'
        problems = [
            Problem("invalid-override", fact, (path,), help="remove it", place=place)
        ]
    sheet.problems += problems
    return None if problems else override


def _conflicts(
    sheet: Sheet, arms: Sequence[Layer], axes: Sequence[Sequence[Layer]]
) -> None:
    """Reports a path that is varied and set by an arm too: one would hide the other."""
    varied = {each.path: each for axis in axes for each in axis[0].overrides}
    for arm in arms:
        for each in arm.overrides:
            if each.path in varied:
                fact = f'"{each.argument}" is in "arms" and in "vary"'
                help_ = "remove it from one of them"
                sheet.note(
                    "conflicting-settings", fact, help_, each.value, each.places[0]
                )
