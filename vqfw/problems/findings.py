"""Turns the errors of schema validation into problems: place, message, repair.

The words of unknown keys and components are in ``unknown_keys.py`` and
``unknown_components.py``; ``printing.py`` prints problems.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from vqfw.errors import KeyPath, Place, Problem
from vqfw.kinds.catalog import article
from vqfw.problems.unknown_components import unknown_name
from vqfw.problems.unknown_keys import UnknownKey
from vqfw.problems.wording import (
    LIMITS,
    TYPE_NAMES,
    accepted,
    called,
    described,
    given,
    limits_of,
    meant_value,
    multiples_of,
    named,
    short,
    type_help,
    what_it_is,
    words,
    written,
)
from vqfw.schema.shape import Shape, type_of, whole
from vqfw.suggestions import did_you_mean
from vqfw.text.scalars import MAX_INTEGER
from vqfw.text.tree import Node


def schema_problems(
    tree: Node,
    schema: Mapping[str, Any],
    broken: Mapping[tuple[str, str], str],
) -> list[Problem]:
    """All violations of the schema by an experiment, in no particular order.

    Args:
        tree: the experiment, with shorthands written out.
        schema: of an experiment.
        broken: installed components that are not in the schema, and why.
    """
    from referencing import Registry

    finder = _Finder(tree, whole(schema), broken)
    # The empty registry keeps references from ever reaching a disk or a network.
    validator = _validator_class()(schema, registry=Registry())
    found: dict[tuple[Any, ...], Problem] = {}
    for error in validator.iter_errors(tree.plain()):
        for problem in finder.explained(error):
            found.setdefault((problem.code, problem.path, problem.message), problem)
    return _without_echoes(list(found.values()))


@lru_cache(maxsize=1)
def _validator_class() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole)
    return extend(Draft202012Validator, type_checker=types)


def _is_whole(_: Any, value: Any) -> bool:
    """Whether a value is an integer; ``64.0`` is one up to 2 to the 53."""
    if isinstance(value, float):
        return value.is_integer() and abs(value) <= MAX_INTEGER
    return isinstance(value, int) and not isinstance(value, bool)


def located(problem: Problem, tree: Node) -> Place:
    """The place of the value at a problem's path, or of its nearest written parent.

    It is the place of the key if the key is unknown.
    """
    node, steps = tree.down(problem.path)
    if steps == len(problem.path) and not _is_default(node.place):
        of_the_key = problem.code.startswith(("unknown-", "missing-"))
        return (node.key if of_the_key else None) or node.place
    # What was never written belongs to the nearest key that was.
    while steps:
        steps -= 1
        node, _ = tree.down(problem.path[:steps])
        if not _is_default(node.place):
            return node.key or node.place
    return tree.place


def _is_default(place: Place) -> bool:
    return place.line == 0 and place.column == 0


def _without_echoes(problems: list[Problem]) -> list[Problem]:
    """Drops a missing key where its misspelling in the same object is reported."""
    meant = {
        (*problem.path[:-1], word)
        for problem in problems
        if problem.code == "unknown-key"
        for word in problem.help.split('"')[1::2]
        if problem.help.startswith("did you mean")
    }
    return [
        problem
        for problem in problems
        if problem.code != "missing-key" or problem.path not in meant
    ]


@dataclass(frozen=True)
class _Finder:
    """Explains the errors of one validation."""

    tree: Node
    shape: Shape
    broken: Mapping[tuple[str, str], str]

    def explained(self, error: Any) -> Iterator[Problem]:
        path: KeyPath = tuple(error.absolute_path)
        node, _ = self.tree.down(path)
        explain: Callable[[Any, KeyPath, Node], Iterator[Problem]]
        if path and path[-1] == "type" and self.slot_of(path) is not None:
            explain = self.component
        else:
            explain = {
                "additionalProperties": self.unknown_keys,
                "required": self.missing,
                "type": self.wrong_type,
                "pattern": self.bad_name,
                **dict.fromkeys((*LIMITS, "multipleOf"), self.out_of_range),
                **dict.fromkeys(("minItems", "maxItems"), self.wrong_length),
            }.get(error.validator, self.not_allowed)
        yield from explain(error, path, node)

    def slot_of(self, path: KeyPath) -> Shape | None:
        """The slot whose ``type`` stands at a path."""
        parent = self.shape.along(self.tree, path[:-1])
        return parent if parent is not None and parent.kind else None

    def written(self, path: KeyPath) -> KeyPath:
        """The path as the user wrote it: a shorthand has no keys of its own."""
        node, _ = self.tree.down(path)
        parent, _ = self.tree.down(path[:-1])
        return path[:-1] if path and parent.place == node.place else path

    def at(self, path: KeyPath) -> Shape:
        return self.shape.along(self.tree, path) or Shape({}, self.shape.root)

    # Keys

    def unknown_keys(self, error: Any, path: KeyPath, node: Node) -> Iterator[Problem]:
        known = error.schema.get("properties", {})
        for key in node.value:
            if key not in known:
                shape = self.at(path)
                yield UnknownKey(
                    key, path, node, shape, known, self.tree, self.shape
                ).problem()

    def missing(self, error: Any, path: KeyPath, node: Node) -> Iterator[Problem]:
        shape = self.at(path)
        for key in error.validator_value:
            if key in node.value:
                continue
            name = type_of(node)
            if shape.kind and key == "type":
                owner = f"{article(shape.kind)} {words(shape.kind)}"
                help_ = self.type_repair(shape, node)
            else:
                component = f'{words(shape.kind)} "{name}"' if shape.kind else ""
                owner = component or named(shape, path)
                help_ = f'add "{key}"{what_it_is(shape, node, key)}'
            yield Problem(
                "missing-key",
                f'{owner} needs "{key}"',
                (*path, key),
                help=help_,
                note=accepted(shape, node, (shape.options(node) or {}), path),
                place=node.key or node.place,
            )

    def type_repair(self, shape: Shape, node: Node) -> str:
        """Which ``type`` the other keys of an object speak for."""
        keys = set(node.value)
        fitting = [
            name
            for name in shape.names
            if keys and keys <= set((shape.component(name) or {})["properties"])
        ]
        names = fitting or list(shape.names)
        if len(names) == 1:
            return f'add "type": "{names[0]}"'
        return f'add "type", one of {", ".join(names) or "none: nothing is installed"}'

    # Components

    def component(self, error: Any, path: KeyPath, node: Node) -> Iterator[Problem]:
        slot = self.slot_of(path)
        assert slot is not None
        assert slot.kind is not None
        if error.validator not in ("enum", "not"):
            return
        path = self.written(path)
        name = node.value
        if not isinstance(name, str):
            message = f"the name of {article(slot.kind)} {words(slot.kind)} is a string"
            yield Problem(
                "wrong-type",
                f"{message}, got {given(name)}",
                path,
                help=f"write one of {', '.join(slot.names)}",
                place=node.place,
            )
            return
        yield unknown_name(name, slot, path, node.place, self.shape, self.broken)

    # Values

    def wrong_type(self, error: Any, path: KeyPath, node: Node) -> Iterator[Problem]:
        shape, path = self.at(path), self.written(path)
        wanted = error.validator_value
        types = [wanted] if isinstance(wanted, str) else list(wanted)
        what = " or ".join(TYPE_NAMES[each] for each in types)
        if shape.kind:
            plain = [TYPE_NAMES[each] for each in types if each == "number"]
            what = " or ".join([*plain, f"{article(shape.kind)} {words(shape.kind)}"])
        elif not path:
            what = "an object: {...}"
        value = meant_value(node.value, types, shape)
        yield Problem(
            "wrong-type",
            f"{called(path)} must be {what}, got {given(node.value)}",
            path,
            help=type_help(node.value, types, shape)
            if value is None
            else written(value, path, node.place),
            note="" if shape.kind else described(shape),
            place=node.place,
        )

    def out_of_range(self, error: Any, path: KeyPath, node: Node) -> Iterator[Problem]:
        shape, path = self.at(path), self.written(path)
        if error.validator == "multipleOf":
            limits, repair = multiples_of(error.schema, node.value)
        else:
            limits, repair = limits_of(error.schema)
        yield Problem(
            "out-of-range",
            f"{called(path)} must be {limits}, got {short(node.value)}",
            path,
            help=f"write {repair}",
            note=described(shape),
            place=node.place,
        )

    def wrong_length(self, error: Any, path: KeyPath, node: Node) -> Iterator[Problem]:
        few = error.validator == "minItems"
        count = error.validator_value
        items = "item" if count == 1 else "items"
        bound = f"at {'least' if few else 'most'} {count} {items}"
        yield Problem(
            "wrong-length",
            f"{called(path)} must have {bound}, got {len(node.value)}",
            path,
            help="add some" if few else "remove some",
            note=described(self.at(path)),
            place=node.place,
        )

    def bad_name(self, error: Any, path: KeyPath, node: Node) -> Iterator[Problem]:
        lowered = "".join(
            each if each.isascii() and (each.isalnum() or each in "._-") else "-"
            for each in node.value.strip().lower()
        ).strip(".-_")
        yield Problem(
            "bad-name",
            f"{short(node.value)} cannot name a run",
            path,
            help=f'write "{lowered[:64] or "experiment"}"',
            note="1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit",
            place=node.place,
        )

    def not_allowed(self, error: Any, path: KeyPath, node: Node) -> Iterator[Problem]:
        shape, path = self.at(path), self.written(path)
        if error.validator == "enum":
            allowed = list(error.validator_value)
            texts = [each for each in allowed if isinstance(each, str)]
            name = node.value if isinstance(node.value, str) else ""
            listed = ", ".join(json.dumps(each) for each in allowed)
            fact = f"{called(path)} cannot be {short(node.value)}"
            repair = did_you_mean(name, texts) or f"write {listed}"
            note = f"allowed: {listed}"
        else:
            fact = f"{called(path)} is not allowed: {error.message[:200]}"
            repair, note = "write another value", described(shape)
        yield Problem(
            "not-allowed", fact, path, help=repair, note=note, place=node.place
        )
