"""From the text of a study file to a checked study, or to all that is wrong with it.

Every run of the grid is checked as ``vqfw validate`` checks an experiment: what an arm
says is a layer over the experiment, so a mistake in it is found with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from vqfw.errors import ExperimentError, Place, Problem
from vqfw.experiment.experiment import Experiment, checked
from vqfw.experiment.files import Chain, chain_named_in
from vqfw.experiment.findings import schema_problems
from vqfw.experiment.loading import text_of
from vqfw.experiment.overrides import Override, override_at
from vqfw.experiment.reader import scan
from vqfw.experiment.repairs import alternatives, suggestions
from vqfw.experiment.settings import ABOUT
from vqfw.experiment.tree import Node
from vqfw.study.grid import Arm, Point, Study
from vqfw.study.identity import key_of_settings
from vqfw.study.labels import axis_names, slug, value_labels
from vqfw.study.schema import study_schema

# A grid this large is an accident: a list too many.
MAX_POINTS = 1000

_SEED = "seed"


def load_study(path: str | Path, overrides: Sequence[str] = ()) -> Study:
    """Reads a study and finds all that is wrong with any of its runs.

    Args:
        path: the file.
        overrides: ``path=value`` arguments for every run, as given to ``--set``.

    Raises:
        ExperimentError: with all problems, the study's before the experiment's.
        PluginError: the same error, where components that cannot be used are all that
            is wrong.
    """
    path = Path(path)
    root, problems = scan(text_of(path), str(path))
    if root is None or not isinstance(root.value, dict):
        if root is not None:
            fact = Problem(
                "wrong-type", "a study must be an object", help="write {...}"
            )
            problems.append(replace(fact, place=root.place))
        raise ExperimentError(problems)
    problems += schema_problems(root, study_schema(), {})
    return _Reading(path, root, tuple(overrides), problems).study()


@dataclass(frozen=True)
class _Layer:
    """Settings under a label.

    Args:
        label: a part of the arm's.
        overrides: the settings, with their places.
    """

    label: str
    overrides: tuple[Override, ...]


@dataclass(frozen=True)
class _Base:
    """The experiment that every run changes.

    Args:
        chain: the study file is the first of its files, though none of its layers.
        text: of the experiment file.
        file: what it is called in messages.
    """

    chain: Chain
    text: str
    file: Path


class _Reading:
    """One study file on its way to a study."""

    def __init__(
        self,
        path: Path,
        root: Node,
        arguments: tuple[str, ...],
        problems: list[Problem],
    ) -> None:
        self._path = path
        self._root = root
        self._arguments = arguments
        self._problems = problems
        self._refused: list[ExperimentError] = []

    def study(self) -> Study:
        base = self._experiment()
        arms, axes, seeds = self._arms(), *self._axes()
        self._conflicts(arms, [*axes, seeds])
        count = len(arms) * len(seeds)
        for axis in axes:
            count *= len(axis)
        if count > MAX_POINTS:
            self._note(
                "too-big",
                f"the study has {count:,} runs, and {MAX_POINTS:,} are allowed",
                "vary fewer paths, or give fewer values",
                self._root.value["vary"],
            )
        elif base is not None:
            return self._checked(base, arms, axes, seeds)
        raise ExperimentError(self._problems)

    def _experiment(self) -> _Base | None:
        node = self._root.value.get("experiment")
        if node is None or not isinstance(node.value, str):
            return None
        name = str(self._path)
        chain, text, problem = chain_named_in(self._path, name, "experiment", node)
        if chain is None:
            self._problems += [problem] if problem is not None else []
            return None
        file = Path(next(iter(chain.files)))
        files = {name: self._path.resolve(), **chain.files}
        return _Base(replace(chain, files=files), text, file)

    def _arms(self) -> list[_Layer]:
        named = self._members("arms")
        found = []
        for label, node in named.items():
            if not label.strip() or not label.isprintable():
                fact = "an arm needs a name that can be read"
                self._note("bad-name", fact, 'write "arms": {"my arm": {...}}', node)
            if isinstance(node.value, dict):
                pairs = (self._override(key, each) for key, each in node.value.items())
                found.append(_Layer(label, tuple(each for each in pairs if each)))
        return found if named else [_Layer("", ())]

    def _axes(self) -> tuple[list[list[_Layer]], list[_Layer]]:
        """The values of every path but the seed, and those of the seed."""
        varied = {
            path: node
            for path, node in self._members("vary").items()
            if isinstance(node.value, list)
        }
        others = [path for path in varied if path != _SEED]
        names = dict(zip(others, axis_names(others), strict=True))
        axes: dict[str, list[_Layer]] = {}
        for path, node in varied.items():
            values = [value.plain() for value in node.value]
            labels = (
                value_labels(names[path], values)
                if path in names
                else [""] * len(values)
            )
            axes[path] = []
            for value, label in zip(node.value, labels, strict=True):
                override = self._override(path, replace(value, key=node.key))
                axes[path].append(_Layer(label, (override,) if override else ()))
        seeds = axes.pop(_SEED, None) or [_Layer("", ())]
        return [axis for axis in axes.values() if axis], seeds

    def _override(self, path: str, node: Node) -> Override | None:
        place = node.key or node.place
        override, problems = override_at(path, place, node)
        if override is not None and override.path[0] in ABOUT:
            fact = f'"{path}" changes no number of a run'
            problems = [Problem("set", fact, (path,), help="remove it", place=place)]
        self._problems += problems
        return None if problems else override

    def _conflicts(
        self, arms: Sequence[_Layer], axes: Sequence[Sequence[_Layer]]
    ) -> None:
        """A path that is varied must not be set by an arm too: one would hide the other."""
        varied = {each.path: each for axis in axes for each in axis[0].overrides}
        for arm in arms:
            for each in arm.overrides:
                if each.path in varied:
                    fact = f'"{each.argument}" is set by an arm and varied too'
                    help_ = 'remove it from "arms" or from "vary"'
                    self._note("conflict", fact, help_, each.value, each.places[0])

    def _members(self, key: str) -> dict[str, Node]:
        node = self._root.value.get(key)
        return node.value if node is not None and isinstance(node.value, dict) else {}

    def _note(
        self, code: str, fact: str, help_: str, node: Node, place: Place | None = None
    ) -> None:
        where = place or node.key or node.place
        self._problems.append(Problem(code, fact, help=help_, place=where))

    def _checked(
        self,
        base: _Base,
        layers: Sequence[_Layer],
        axes: Sequence[Sequence[_Layer]],
        seeds: Sequence[_Layer],
    ) -> Study:
        combined = [list(each) for each in product(layers, *axes)]
        arms = [_arm(parts) for parts in combined]
        points: list[Point] = []
        first: dict[str, Point] = {}
        warnings: list[Problem] = []
        for seed in seeds:
            for arm, parts in zip(arms, combined, strict=True):
                experiment = self._point(base, [*parts, seed])
                if experiment is None:
                    continue
                warnings += experiment.warnings
                point = _point(self._name(), arm, experiment)
                if point.key in first:
                    self._same(first[point.key], point, [*parts, seed])
                first.setdefault(point.key, point)
                points.append(point)
        self._refuse(base.chain)
        return Study(
            file=self._path,
            name=self._name(),
            description=str(self._plain("description") or ""),
            arms=tuple(arms),
            points=tuple(points),
            expected=self._plain("expected") or {},
            overrides=self._arguments,
            warnings=tuple(_once([*self._expectations(arms), *warnings])),
        )

    def _point(self, base: _Base, layers: Sequence[_Layer]) -> Experiment | None:
        given = [each for layer in layers for each in layer.overrides]
        name = self._root.value.get("name")
        if name is not None:
            override, _ = override_at("name", name.key or name.place, name)
            given += [override] if override else []
        try:
            return checked(
                base.chain, base.file, base.text, self._arguments, tuple(given)
            )
        except ExperimentError as error:
            self._refused.append(error)
            return None

    def _same(self, one: Point, other: Point, layers: Sequence[_Layer]) -> None:
        node = next(
            (each.value for layer in reversed(layers) for each in layer.overrides),
            self._root,
        )
        if one.arm is other.arm:
            fact = f"seed {one.seed} stands twice"
        else:
            fact = f'"{one.arm.label}" and "{other.arm.label}" are the same experiment'
        help_ = "remove one, or give it a setting that differs"
        self._note("twice", fact, help_, node, node.place)

    def _refuse(self, chain: Chain) -> None:
        """Ends the reading if anything is wrong.

        Raises:
            ExperimentError: with all of it.
        """
        found = [each for error in self._refused for each in error.problems]
        if not self._problems and not found:
            return
        order = {name: number for number, name in enumerate(chain.files)}

        def position(problem: Problem) -> tuple[int, int, int]:
            place = problem.place or Place("", 0, 0, 0, "")
            return order.get(place.source, len(order)), place.line, place.column

        ordered = sorted(_once([*self._problems, *found]), key=position)
        kinds = {type(each) for each in self._refused}
        refusal = kinds.pop() if len(kinds) == 1 and not self._problems else None
        raise (refusal or ExperimentError)(ordered)

    def _expectations(self, arms: Sequence[Arm]) -> Iterator[Problem]:
        known = [arm.label for arm in arms]
        for label, node in self._members("expected").items():
            if label in known:
                continue
            close = suggestions(label, known)
            yield Problem(
                "unknown-score",
                f'no row of the table is called "{label}"',
                ("expected", label),
                help=f"did you mean {alternatives(close)}?"
                if close
                else f"write one of {alternatives(known[:5])}",
                place=node.key,
                severity="warning",
            )

    def _name(self) -> str:
        return str(self._plain("name") or "")

    def _plain(self, key: str) -> Any:
        node = self._root.value.get(key)
        return None if node is None else node.plain()


def _arm(layers: Sequence[_Layer]) -> Arm:
    labels = [each.label for each in layers if each.label]
    settings = {
        each.argument: each.value.plain()
        for layer in layers
        for each in layer.overrides
    }
    return Arm(", ".join(labels) or "all", settings)


def _point(study: str, arm: Arm, experiment: Experiment) -> Point:
    key = key_of_settings(experiment.values)
    ending = f"s{experiment.seed}_{key}"
    parts = [slug(study, 20), slug(arm.label, 62 - 20 - len(ending)), ending]
    return Point("_".join(each for each in parts if each), key, arm, experiment)


def _once(problems: Sequence[Problem]) -> list[Problem]:
    found = {(each.code, each.message, each.place): each for each in problems}
    return list(found.values())
