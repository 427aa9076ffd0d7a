"""Checks every run of a study; a study without an error becomes a ``Grid``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from vqfw.errors import ExperimentError, Problem
from vqfw.experiment.experiment import checked, refuse
from vqfw.experiment.overrides import override_at
from vqfw.study.grid import Arm, Grid, Point
from vqfw.study.identity import key_of_settings
from vqfw.study.labels import slug
from vqfw.study.sheet import Base, Layer, Sheet
from vqfw.suggestions import alternatives, did_you_mean


def checked_grid(
    sheet: Sheet,
    base: Base,
    variants: Sequence[Layer],
    axes: Sequence[Sequence[Layer]],
    seeds: Sequence[Layer],
) -> Grid:
    """Applies the settings of each run to the experiment and checks it.

    Args:
        sheet: the study file.
        base: the experiment to which the settings apply.
        variants: named arms, at least one.
        axes: the values of every path that varies but the seed.
        seeds: at least one.

    Raises:
        ExperimentError: with all problems, the study's before the experiment's.
    """
    combined = list(product(variants, *axes))
    arms = [_arm(parts) for parts in combined]
    problems: list[Problem] = []
    points: dict[str, Point] = {}
    for seed in seeds:
        for arm, parts in zip(arms, combined, strict=True):
            layers = [*parts, seed]
            try:
                point = _point(sheet, base, arm, layers)
            except ExperimentError as error:
                problems += error.problems
                continue
            if point.key in points:
                _note_duplicate(sheet, points[point.key], point, layers)
            points.setdefault(point.key, point)
    if problems := _once([*sheet.problems, *problems]):
        refuse(problems, base.chain)
    warnings = [each for point in points.values() for each in point.experiment.warnings]
    return Grid(
        file=sheet.path,
        name=str(sheet.plain("name")),
        description=str(sheet.plain("description") or ""),
        arms=tuple(arms),
        points=tuple(points.values()),
        expected=sheet.plain("expected") or {},
        table=sheet.plain("table") or {},
        overrides=sheet.arguments,
        warnings=tuple(_once([*_expectations(sheet, arms), *warnings])),
    )


def _point(sheet: Sheet, base: Base, arm: Arm, layers: Sequence[Layer]) -> Point:
    given = [each for layer in layers for each in layer.overrides]
    name = sheet.root.value.get("name")
    if name is not None:
        override, _ = override_at("name", name.key or name.place, name)
        given += [override] if override else []
    experiment = checked(
        base.chain, base.file, base.text, sheet.arguments, tuple(given)
    )
    key = key_of_settings(experiment.values)
    ending = f"s{experiment.seed}_{key}"
    label = slug(arm.label, 62 - 20 - len(ending))
    parts = [slug(str(sheet.plain("name")), 20), label, ending]
    return Point("_".join(each for each in parts if each), key, arm, experiment)


def _note_duplicate(
    sheet: Sheet, one: Point, other: Point, layers: Sequence[Layer]
) -> None:
    node = next(
        (each.value for layer in reversed(layers) for each in layer.overrides),
        sheet.root,
    )
    if one.arm is other.arm:
        fact = f"seed {one.seed} is listed twice"
    else:
        fact = f'"{one.arm.label}" and "{other.arm.label}" are the same experiment'
    help_ = "remove one, or change one of its settings"
    sheet.note("duplicate-component", fact, help_, node, node.place)


def _expectations(sheet: Sheet, arms: Sequence[Arm]) -> Iterator[Problem]:
    rows = [arm.label for arm in arms]
    for label, node in sheet.members("expected").items():
        if label in rows:
            continue
        yield Problem(
            "unknown-score",
            f'"expected" has "{label}", which is not a row of the table',
            ("expected", label),
            help=did_you_mean(label, rows) or f"write one of {alternatives(rows[:5])}",
            place=node.key,
            severity="warning",
        )


def _arm(layers: Sequence[Layer]) -> Arm:
    labels = [each.label for each in layers if each.label]
    settings = {
        each.argument: each.value.plain()
        for layer in layers
        for each in layer.overrides
    }
    return Arm(", ".join(labels) or "all", settings)


def _once(problems: Sequence[Problem]) -> list[Problem]:
    return [
        *{(each.code, each.message, each.place): each for each in problems}.values()
    ]
