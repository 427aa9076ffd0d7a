"""A checked experiment: its values with defaults, and the origin of each.

It imports no component and no Keras.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from vqfw.errors import ExperimentError, Place, PluginError, Problem
from vqfw.experiment.files import Chain
from vqfw.experiment.origins import Origin, html_table, origins_of, rows, table
from vqfw.experiment.overrides import (
    Override,
    as_override,
    assigned,
    in_order,
    parsed_override,
)
from vqfw.experiment.reset_options import reset_problems
from vqfw.experiment.rules import broken_rules
from vqfw.problems.findings import located, schema_problems
from vqfw.schema.layers import filled, merged, written_out
from vqfw.schema.loading import foreign, schema_for
from vqfw.schema.settings import (
    Component,
    DataSettings,
    EarlyStopping,
    EvaluationSettings,
    TrainingSettings,
)
from vqfw.schema.shape import Shape, whole
from vqfw.text.tree import Node, strings

# Keys that say how the file is read; they are no part of the experiment.
_OF_THE_FILE = ("$schema", "extends")
_OF_PLUGINS = frozenset({"broken-component", "ambiguous-component", "missing-plugin"})


class UnusableComponentError(ExperimentError, PluginError):
    """The only problems of an experiment are components that cannot be used."""

    exit_code = 3


@dataclass(frozen=True, eq=False)
class CheckedExperiment:
    """A valid experiment with all defaults filled in.

    Args:
        file: where it was read; None if it was made in Python.
        text: of that file, as given.
        values: the resolved experiment as plain data: layers joined, shorthands written
            out, defaults filled in. Not to be changed.
        origins: of every value, by its dotted path.
        warnings: problems that do not stop a run.
    """

    file: Path | None
    text: str = field(repr=False)
    values: Mapping[str, Any] = field(repr=False)
    origins: Mapping[str, Origin] = field(repr=False)
    warnings: tuple[Problem, ...] = field(repr=False)
    _chain: Chain = field(repr=False)
    _arguments: tuple[str, ...] = field(repr=False)
    _tree: Node = field(repr=False)
    _given: tuple[Override, ...] = field(repr=False, default=())

    @property
    def name(self) -> str:
        """The name of its runs."""
        return str(self.values["name"])

    @property
    def description(self) -> str:
        """What is tried, and why."""
        return str(self.values["description"])

    @property
    def seed(self) -> int:
        """The seed of all random draws of training."""
        return int(self.values["seed"])

    @property
    def folder(self) -> Path | None:
        """The folder of the file; None if there is no file."""
        return None if self.file is None else self.file.parent

    @property
    def overrides(self) -> tuple[str, ...]:
        """The ``path=value`` arguments that change the file."""
        return self._arguments

    @cached_property
    def data(self) -> DataSettings:
        """Which images, and what is done to them."""
        return DataSettings(**_frozen(self.values["data"]))

    @property
    def model(self) -> Component:
        """The model component: ``type`` and options."""
        model: Component = self.values["model"]
        return model

    @property
    def losses(self) -> tuple[Component, ...]:
        """The reconstruction terms."""
        return tuple(self.values["losses"])

    @cached_property
    def training(self) -> TrainingSettings:
        """How the model is trained."""
        settings = _frozen(self.values["training"])
        if settings["early_stopping"] is not None:
            settings["early_stopping"] = EarlyStopping(**settings["early_stopping"])
        return TrainingSettings(**settings)

    @cached_property
    def evaluation(self) -> EvaluationSettings:
        """How reconstructions are scored."""
        return EvaluationSettings(**_frozen(self.values["evaluation"]))

    @property
    def expected(self) -> Mapping[str, float]:
        """The scores, and minutes, that its author expects."""
        expected: Mapping[str, float] = self.values["expected"]
        return expected

    def set(self, changes: Mapping[str, Any]) -> CheckedExperiment:
        """The same experiment with other values, as ``--set path=value`` makes it.

        Args:
            changes: plain data by path, such as ``model.quantizer.decay`` or
                ``losses[0].weight``; they are checked together.

        Raises:
            ExperimentError: if the result is not a valid experiment.
        """
        arguments, problems = [*self._arguments], []
        for path, value in changes.items():
            try:
                arguments.append(as_override(path, value))
            except (TypeError, ValueError, RecursionError) as error:
                message = f'"{path}" cannot be set: {error}'
                problems.append(
                    Problem("invalid-override", message, help="use plain data")
                )
        if problems:
            raise ExperimentError(problems)
        given = self._given
        return checked(self._chain, self.file, self.text, tuple(arguments), given)

    def placed(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Adds the file position to each problem, and sorts them by it."""
        found = [
            each if each.place else replace(each, place=located(each, self._tree))
            for each in problems
        ]
        return tuple(_sorted(found, self._chain))

    def resolved_json(self) -> str:
        """The resolved experiment as text; the same bytes however it was written."""
        options: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False}
        return json.dumps(self.values, indent=2, sort_keys=True, **options) + "\n"

    def explain(self, width: int | None = None) -> str:
        """Every value, who set it, and what it replaced, as a table.

        Args:
            width: columns of the terminal; None folds nothing.
        """
        return table(self.explain_data(), width)

    def explain_data(self) -> list[dict[str, Any]]:
        """The same as data: path, value, source, and what the value replaced."""
        return rows(self.values, self.origins)

    def _repr_html_(self) -> str:
        return html_table(self.name, self.description, self.explain_data())


def checked(
    chain: Chain,
    file: Path | None,
    text: str,
    arguments: tuple[str, ...],
    given: tuple[Override, ...] = (),
) -> CheckedExperiment:
    """Joins the layers and checks the result.

    Args:
        chain: the file and all that it extends.
        file: where it was read.
        text: of that file.
        arguments: ``path=value``, the last layer.
        given: settings of another file, below the arguments.

    Raises:
        ExperimentError: with all problems.
    """
    problems = list(chain.problems)
    overrides = list(given)
    for argument in arguments:
        override, found = parsed_override(argument)
        problems += found
        if override is not None:
            overrides.append(override)
    if not chain.layers:
        refuse(problems, chain)
    names = strings([*chain.layers, *(each.value for each in overrides)])
    while True:
        schema, broken = schema_for(names)
        tree, found = _layered(chain.layers, overrides, whole(schema))
        complete = filled(tree, whole(schema))
        # The default of a foreign component may be another foreign component.
        if strings([complete]) <= names or not foreign():
            break
        names |= strings([complete])
    problems += found
    ruled = [
        replace(each, place=located(each, complete))
        for each in broken_rules(complete.plain())
    ]
    resets = reset_problems(tree, complete, overrides)
    for each in [*schema_problems(tree, schema, broken), *ruled, *resets]:
        # A file that cannot be read may be the one that has the key.
        if each.code == "missing-key" and not chain.complete:
            continue
        if not any(_echoes(each, known) for known in problems):
            problems.append(each)
    problems = _sorted(problems, chain)
    if any(each.severity == "error" for each in problems):
        refuse(problems, chain)
    members = {k: v for k, v in complete.value.items() if k not in _OF_THE_FILE}
    settled = replace(complete, value=members)
    return CheckedExperiment(
        file=file,
        text=text,
        values=settled.plain(),
        origins=origins_of(settled, chain.files),
        warnings=tuple(problems),
        _chain=chain,
        _arguments=arguments,
        _tree=complete,
        _given=given,
    )


def _echoes(problem: Problem, known: Problem) -> bool:
    """Whether a problem repeats another one about the same characters."""
    here, there = problem.place, known.place
    if here is None or there is None or here.source != there.source:
        return False
    # Two keys may be missing in one place.
    if here == there:
        return problem.code != "missing-key" or problem.path == known.path
    inside = 0 <= there.column - here.column < here.length and here.line == there.line
    return inside and problem.path == known.path


def refuse(problems: Sequence[Problem], chain: Chain) -> NoReturn:
    """Raises problems as one error, in the order of their places.

    Raises:
        PluginError: if every problem is a component that cannot be used.
        ExperimentError: otherwise.
    """
    ordered = _sorted(problems, chain)
    if all(each.code in _OF_PLUGINS for each in ordered if each.severity == "error"):
        raise UnusableComponentError(ordered)
    raise ExperimentError(ordered)


def _sorted(problems: Iterable[Problem], chain: Chain) -> list[Problem]:
    """By position: the file, then what it extends, then the arguments."""
    order = {name: number for number, name in enumerate(chain.files)}

    def position(problem: Problem) -> tuple[int, int, int]:
        place = problem.place or Place("", 0, 0, 0, "")
        return order.get(place.source, len(order)), place.line, place.column

    return sorted(problems, key=position)


def _layered(
    layers: Sequence[Node], overrides: Sequence[Override], shape: Shape
) -> tuple[Node, list[Problem]]:
    """All files and overrides in one tree, with every shorthand written out."""
    problems: list[Problem] = []
    tree = layers[0]
    for layer in layers[1:]:
        tree = merged(tree, layer, shape)
    for override in in_order(overrides):
        tree, problem = assigned(tree, override, shape)
        if problem is not None:
            problems.append(problem)
    return written_out(tree, shape), problems


def _frozen(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings for a dataclass: its lists are tuples."""
    return {
        key: tuple(each) if isinstance(each, list) else each
        for key, each in settings.items()
    }
