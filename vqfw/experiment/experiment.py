"""The experiment: read, checked, complete, and aware of where each value came from.

Nothing here imports a component or Keras, and nothing runs.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from vqfw.errors import ExperimentError, Place, PluginError, Problem, dotted
from vqfw.errors import Path as KeyPath
from vqfw.experiment.explanations import CODES
from vqfw.experiment.findings import located, schema_problems
from vqfw.experiment.layers import (
    Chain,
    Override,
    as_override,
    decoded,
    filled,
    layered,
    nearby,
    parsed_override,
    plain_value,
    read_chain,
)
from vqfw.experiment.reader import MAX_BYTES
from vqfw.experiment.repairs import suggestions
from vqfw.experiment.rules import broken_rules
from vqfw.experiment.schema import schema_for
from vqfw.experiment.settings import (
    Component,
    DataSettings,
    EarlyStopping,
    EvaluationSettings,
    TrainingSettings,
)
from vqfw.experiment.shape import whole
from vqfw.experiment.tree import Node

# Keys that say how the file is read; they are no part of the experiment.
_OF_THE_FILE = ("$schema", "extends")
_OF_PLUGINS = frozenset({"broken-component", "ambiguous-component", "missing-plugin"})


class UnusableComponentError(ExperimentError, PluginError):
    """All that is wrong with an experiment is that a component cannot be used."""

    exit_code = 3


@dataclass(frozen=True)
class Origin:
    """Who set a value.

    Args:
        source: ``file:line:column``, the ``--set`` argument, or ``default of`` a
            distribution and its version.
        folder: of the file that says it; None for other sources.
        replaced: what it took the place of, the latest first: value and source.
    """

    source: str
    folder: Path | None = None
    replaced: tuple[tuple[Any, str], ...] = ()

    @property
    def overridden(self) -> bool:
        """Whether the value came from ``--set`` and not from a file or a default."""
        return self.source.startswith("--set ")


@dataclass(frozen=True, eq=False)
class Experiment:
    """A whole experiment that has been found right.

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

    @property
    def name(self) -> str:
        """What its runs are called."""
        return str(self.values["name"])

    @property
    def description(self) -> str:
        """What is tried, and why."""
        return str(self.values["description"])

    @property
    def seed(self) -> int:
        """Where all random draws of training start from."""
        return int(self.values["seed"])

    @property
    def folder(self) -> Path | None:
        """The folder of the file; None if there is no file."""
        return None if self.file is None else self.file.parent

    @property
    def overrides(self) -> tuple[str, ...]:
        """The ``path=value`` arguments that were laid over the file."""
        return self._arguments

    @cached_property
    def data(self) -> DataSettings:
        """Which images, and what is done to them."""
        return DataSettings(**_frozen(self.values["data"]))

    @property
    def model(self) -> Component:
        """What is trained."""
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

    def set(self, path: str, value: Any) -> Experiment:
        """The same experiment with another value, as ``--set path=value`` makes it.

        Args:
            path: such as ``model.quantizer.decay`` or ``losses[0].weight``.
            value: plain data.

        Raises:
            ExperimentError: if the result is no right experiment.
        """
        try:
            argument = as_override(path, value)
        except (TypeError, ValueError, RecursionError) as error:
            problem = Problem(
                "set", f'"{path}" cannot be set: {error}', help="use plain data"
            )
            raise ExperimentError([problem]) from error
        return _checked(self._chain, self.file, self.text, (*self._arguments, argument))

    def placed(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Problems with the places of their values, in the order of the file."""
        found = [
            each if each.place else replace(each, place=located(each, self._tree))
            for each in problems
        ]
        return tuple(_sorted(found, self._chain))

    def resolved_json(self) -> str:
        """The resolved experiment as text; the same bytes however it was written."""
        return (
            json.dumps(
                self.values,
                indent=2,
                sort_keys=True,
                ensure_ascii=False,
                allow_nan=False,
            )
            + "\n"
        )

    def explain(self) -> str:
        """Every value, who set it, and what it replaced, as a table."""
        rows = [
            (
                row["path"],
                json.dumps(row["value"], ensure_ascii=False),
                row["source"],
                "; ".join(
                    f"was {json.dumps(was['value'], ensure_ascii=False)}, {was['source']}"
                    for was in row["replaced"]
                ),
            )
            for row in self.explain_data()
        ]
        widths = [min(44, max(len(row[column]) for row in rows)) for column in range(3)]
        return "\n".join(
            "   ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False))]
                + ([f"({row[3]})"] if row[3] else [])
            ).rstrip()
            for row in rows
        )

    def explain_data(self) -> list[dict[str, Any]]:
        """The same as data: path, value, source, and what the value replaced."""
        return [
            {
                "path": path,
                "value": value,
                "source": self.origins[path].source,
                "replaced": [
                    {"value": was, "source": source}
                    for was, source in self.origins[path].replaced
                    if was != value or not source.startswith("default")
                ],
            }
            for path, value in _leaves(self.values)
        ]

    def _repr_html_(self) -> str:
        cells = (
            "".join(f"<td>{html.escape(text)}</td>" for text in texts)
            for texts in (
                (
                    row["path"],
                    json.dumps(row["value"], ensure_ascii=False),
                    row["source"],
                )
                for row in self.explain_data()
            )
        )
        rows = "".join(f"<tr>{each}</tr>" for each in cells)
        return (
            f"<details><summary><b>{html.escape(self.name)}</b> "
            f"{html.escape(self.description)}</summary><table><thead><tr><th>setting</th>"
            f"<th>value</th><th>set by</th></tr></thead><tbody>{rows}</tbody></table>"
            "</details>"
        )


def load_experiment(path: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """Reads an experiment and finds all that is wrong with it.

    Args:
        path: the file.
        overrides: ``path=value`` arguments, as given to ``--set``.

    Raises:
        ExperimentError: with all problems, sorted by position.
        PluginError: the same error, where components that cannot be used are all that
            is wrong.
    """
    path = Path(path)
    name = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ExperimentError([_unreadable(path, error)]) from error
    text, problem = decoded(content, name)
    if problem is not None:
        raise ExperimentError([problem])
    return _checked(read_chain(path, name, text), path, text, tuple(overrides))


def experiment_from(values: Mapping[str, Any]) -> Experiment:
    """Checks an experiment that was made in Python.

    Args:
        values: what a file would say; numbers of NumPy and paths are taken too.

    Raises:
        ExperimentError: with all problems; their lines are those of ``values`` written
            as JSON with an indent of 2.
    """
    try:
        text = json.dumps(values, indent=2, ensure_ascii=False, default=plain_value)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"the values are not what JSON can write: {error}"
        problem = Problem("wrong-type", message, help="use plain data")
        raise ExperimentError([problem]) from error
    return _checked(read_chain(None, "<values>", text), None, text, ())


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    """What differs between two resolved experiments, sorted by path.

    Returns:
        Dotted path, old value and new value; None stands for a value that is not there.
    """
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return [
        (path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if json.dumps(before.get(path)) != json.dumps(after.get(path))
        and not _same_number(before.get(path), after.get(path))
    ]


def _same_number(one: Any, other: Any) -> bool:
    numbers = all(
        isinstance(each, int | float) and not isinstance(each, bool)
        for each in (one, other)
    )
    return numbers and bool(one == other)


def _checked(
    chain: Chain, file: Path | None, text: str, arguments: tuple[str, ...]
) -> Experiment:
    """Joins the layers and checks the result."""
    problems = list(chain.problems)
    overrides: list[Override] = []
    for argument in arguments:
        override, found = parsed_override(argument)
        problems += found
        if override is not None:
            overrides.append(override)
    if not chain.layers:
        _refuse(problems, chain)
    schema, broken = schema_for(_names_in(chain.layers, overrides))
    shape = whole(schema)
    tree, found = layered(chain.layers, overrides, shape)
    problems += found
    complete = filled(tree, shape)
    ruled = [
        replace(each, place=located(each, complete))
        for each in broken_rules(complete.plain())
    ]
    for each in [*schema_problems(tree, schema, broken), *ruled]:
        # A file that cannot be read may be the one that has the key.
        if each.code == "missing-key" and not chain.complete:
            continue
        if not any(_echoes(each, known) for known in problems):
            problems.append(each)
    problems = _sorted(problems, chain)
    if any(each.severity == "error" for each in problems):
        _refuse(problems, chain)
    values = {k: v for k, v in complete.plain().items() if k not in _OF_THE_FILE}
    return Experiment(
        file=file,
        text=text,
        values=values,
        origins={dotted(path): origin for path, origin in _origins(complete, chain)},
        warnings=tuple(problems),
        _chain=chain,
        _arguments=arguments,
        _tree=complete,
    )


def _echoes(problem: Problem, known: Problem) -> bool:
    """Whether a problem says what another has said about the same characters."""
    here, there = problem.place, known.place
    if here is None or there is None or here.source != there.source:
        return False
    # Two keys may be missing in one place.
    if here == there:
        return problem.code != "missing-key" or problem.path == known.path
    inside = 0 <= there.column - here.column < here.length and here.line == there.line
    return inside and problem.path == known.path


def _refuse(problems: Sequence[Problem], chain: Chain) -> NoReturn:
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


def _names_in(layers: Sequence[Node], overrides: Sequence[Override]) -> set[str]:
    """All strings of an experiment, among which are the names of its components."""
    found: set[str] = set()
    waiting = [*layers, *(override.value for override in overrides)]
    while waiting:
        node = waiting.pop()
        if isinstance(node.value, str):
            found.add(node.value)
        waiting += [child for _, child in node.children()]
    return found


def _origins(
    node: Node, chain: Chain, path: KeyPath = ()
) -> Iterator[tuple[KeyPath, Origin]]:
    for part, child in node.children():
        if not path and part in _OF_THE_FILE:
            continue
        here = (*path, part)
        source = child.place.source
        file = chain.files.get(source)
        yield (
            here,
            Origin(
                str(child.place),
                file.parent if file and child.place.line else None,
                tuple(_replaced(child)),
            ),
        )
        yield from _origins(child, chain, here)


def _replaced(node: Node) -> Iterator[tuple[Any, str]]:
    while node.replaced is not None:
        node = node.replaced
        yield node.plain(), str(node.place)


def _leaves(values: Any, path: KeyPath = ()) -> Iterator[tuple[str, Any]]:
    """Scalars and empty containers with their dotted paths."""
    if isinstance(values, Mapping) and values:
        for key, each in values.items():
            yield from _leaves(each, (*path, key))
    elif isinstance(values, list | tuple) and values:
        for index, each in enumerate(values):
            yield from _leaves(each, (*path, index))
    else:
        yield dotted(path), values


def _frozen(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings for a dataclass: its lists are tuples."""
    return {
        key: tuple(each) if isinstance(each, list) else each
        for key, each in settings.items()
    }


def _unreadable(path: Path, error: Exception) -> Problem:
    place = Place(str(path), 0, 0, 0, "")
    if isinstance(error, IsADirectoryError):
        inside = nearby(path / "experiment.json")
        message = f"{path} is a folder"
    else:
        inside = nearby(path)
        reason = getattr(error, "strerror", None) or str(error)
        message = f"{path} cannot be read: {reason}"
        if isinstance(error, FileNotFoundError):
            message = f"there is no file {path}"
    folder = path if isinstance(error, IsADirectoryError) else path.parent
    close = " or ".join(str(folder / each) for each in inside)
    help_ = f"did you mean {close}?" if close else "vqfw init writes one"
    # "vqfw explain" takes either, so a misspelt code ends up here.
    if not close and (codes := suggestions(str(path), CODES)):
        help_ = f'did you mean the code "{codes[0]}"?'
    return Problem("missing-file", message, help=help_, place=place)
