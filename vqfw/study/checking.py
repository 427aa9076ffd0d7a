"""Checks every run of a study; a study without an error becomes a ``Grid``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from vqfw.errors import ExperimentError, Place, Problem
from vqfw.experiment.experiment import CheckedExperiment, checked
from vqfw.experiment.overrides import override_at
from vqfw.study.grid import Arm, Grid, Point
from vqfw.study.identity import key_of_settings
from vqfw.study.labels import slug
from vqfw.study.sheet import Base, Layer, Sheet
from vqfw.suggestions import alternatives, did_you_mean


class Checking:
    """The check of one study.

    Args:
        sheet: the study file.
        base: the experiment to which the settings apply.
    """

    def __init__(self, sheet: Sheet, base: Base) -> None:
        self._sheet = sheet
        self._base = base
        self._errors: list[ExperimentError] = []

    def grid(
        self,
        variants: Sequence[Layer],
        axes: Sequence[Sequence[Layer]],
        seeds: Sequence[Layer],
    ) -> Grid:
        """Applies the settings of each run to the experiment and checks it.

        Args:
            variants: named arms, at least one.
            axes: the values of every path that varies but the seed.
            seeds: at least one.

        Raises:
            ExperimentError: with all problems, the study's before the experiment's.
        """
        sheet = self._sheet
        combined = [list(each) for each in product(variants, *axes)]
        arms = [_arm(parts) for parts in combined]
        points = list(self._points(arms, combined, seeds))
        self._refuse()
        warnings = [each for point in points for each in point.experiment.warnings]
        return Grid(
            file=sheet.path,
            name=str(sheet.plain("name")),
            description=str(sheet.plain("description") or ""),
            arms=tuple(arms),
            points=tuple(points),
            expected=sheet.plain("expected") or {},
            table=sheet.plain("table") or {},
            overrides=sheet.arguments,
            warnings=tuple(_once([*self._expectations(arms), *warnings])),
        )

    def _points(
        self,
        arms: Sequence[Arm],
        combined: Sequence[Sequence[Layer]],
        seeds: Sequence[Layer],
    ) -> Iterator[Point]:
        """Every valid run; the errors of the others are kept for ``_refuse``."""
        name = str(self._sheet.plain("name"))
        first: dict[str, Point] = {}
        for seed in seeds:
            for arm, parts in zip(arms, combined, strict=True):
                experiment = self._point([*parts, seed])
                if experiment is None:
                    continue
                point = _point(name, arm, experiment)
                if point.key in first:
                    self._same(first[point.key], point, [*parts, seed])
                first.setdefault(point.key, point)
                yield point

    def _point(self, layers: Sequence[Layer]) -> CheckedExperiment | None:
        given = [each for layer in layers for each in layer.overrides]
        name = self._sheet.root.value.get("name")
        if name is not None:
            override, _ = override_at("name", name.key or name.place, name)
            given += [override] if override else []
        base, arguments = self._base, self._sheet.arguments
        try:
            return checked(base.chain, base.file, base.text, arguments, tuple(given))
        except ExperimentError as error:
            self._errors.append(error)
            return None

    def _same(self, one: Point, other: Point, layers: Sequence[Layer]) -> None:
        node = next(
            (each.value for layer in reversed(layers) for each in layer.overrides),
            self._sheet.root,
        )
        if one.arm is other.arm:
            fact = f"seed {one.seed} is listed twice"
        else:
            fact = f'"{one.arm.label}" and "{other.arm.label}" are the same experiment'
        help_ = "remove one, or change one of its settings"
        self._sheet.note("duplicate-component", fact, help_, node, node.place)

    def _refuse(self) -> None:
        """Raises if there is any error.

        Raises:
            ExperimentError: with all problems.
        """
        problems = [each for error in self._errors for each in error.problems]
        problems = _once([*self._sheet.problems, *problems])
        if not problems:
            return
        order = {name: at for at, name in enumerate(self._base.chain.files)}

        def position(problem: Problem) -> tuple[int, int, int]:
            place = problem.place or Place("", 0, 0, 0, "")
            return order.get(place.source, len(order)), place.line, place.column

        kinds = {type(each) for each in self._errors}
        kind = kinds.pop() if len(kinds) == 1 and not self._sheet.problems else None
        raise (kind or ExperimentError)(sorted(problems, key=position))

    def _expectations(self, arms: Sequence[Arm]) -> Iterator[Problem]:
        rows = [arm.label for arm in arms]
        for label, node in self._sheet.members("expected").items():
            if label in rows:
                continue
            yield Problem(
                "unknown-score",
                f'"expected" has "{label}", which is not a row of the table',
                ("expected", label),
                help=did_you_mean(label, rows)
                or f"write one of {alternatives(rows[:5])}",
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


def _point(study: str, arm: Arm, experiment: CheckedExperiment) -> Point:
    key = key_of_settings(experiment.values)
    ending = f"s{experiment.seed}_{key}"
    parts = [slug(study, 20), slug(arm.label, 62 - 20 - len(ending)), ending]
    return Point("_".join(each for each in parts if each), key, arm, experiment)


def _once(problems: Sequence[Problem]) -> list[Problem]:
    return [
        *{(each.code, each.message, each.place): each for each in problems}.values()
    ]
