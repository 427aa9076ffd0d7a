"""Turns what the schema finds wrong into problems that a person can mend.

Each finding gets its place in the file, what is allowed there, and the repair. How
problems are printed is the subject of ``problems.py``.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from vqfw.errors import KeyPath, Place, PluginError, Problem, dotted
from vqfw.kinds.catalog import KINDS, article
from vqfw.problems.repairs import (
    homes,
    keys_anywhere,
    owners,
)
from vqfw.problems.wording import (
    LIMITS,
    TYPE_NAMES,
    accepted,
    called,
    described,
    given,
    limits_of,
    means_nothing,
    meant_value,
    multiples_of,
    named,
    short,
    type_help,
    unquoted,
    what_it_is,
    words,
)
from vqfw.registry.entries import index
from vqfw.schema.layers import filled
from vqfw.schema.shape import Shape, type_of, whole
from vqfw.suggestions import alternatives, did_you_mean, nearest_words, nearly_equal
from vqfw.text.scalars import MAX_INTEGER
from vqfw.text.tree import Node


def schema_problems(
    tree: Node,
    schema: Mapping[str, Any],
    broken: Mapping[tuple[str, str], str],
) -> list[Problem]:
    """All that the schema has against an experiment, in no particular order.

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
    """``64.0`` is a whole number, as long as it stands for one number only."""
    if isinstance(value, float):
        return value.is_integer() and abs(value) <= MAX_INTEGER
    return isinstance(value, int) and not isinstance(value, bool)


def located(problem: Problem, tree: Node) -> Place:
    """Where the value at a problem's path was written, or the nearest thing above it.

    Where the key itself is what is wrong, that is its place.
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
        for key, child in node.value.items():
            if key in known:
                continue
            shape = self.at(path)
            yield Problem(
                "unknown-key",
                f"unknown key {short(key)}",
                (*path, key),
                help=self.key_repair(key, set(known), shape, node),
                note=accepted(shape, node, known, path),
                place=child.key or child.place,
            )

    def key_repair(self, key: str, known: set[str], shape: Shape, node: Node) -> str:
        """What to do about a key that is not allowed here."""
        free = known - {"$schema"}
        if slip := nearly_equal(key, free):
            return _meant(slip, key, node)
        mine = [
            (kind, name) for kind, name in owners(key, self.shape) if kind == shape.kind
        ]
        if mine:
            mine.sort(key=lambda owner: self.difference(owner[1], shape, node))
            names = alternatives(name for _, name in mine)
            return (
                f'"{key}" is a setting of {words(mine[0][0])} {names}; '
                f'set "type": "{mine[0][1]}" or remove it'
            )
        if elsewhere := homes(key, self.tree, self.shape):
            move = f'"{key}" belongs at {" or ".join(elsewhere[:3])}: move it there'
            return move + self.as_name(elsewhere[0], node.value[key])
        if loosely := nearest_words(key, free):
            return _meant(loosely, key, node)
        if others := owners(key, self.shape):
            kind, name = others[0]
            return f'"{key}" is a setting of {words(kind)} "{name}": write it there'
        if similar := nearly_equal(key, keys_anywhere(self.tree, self.shape)):
            places = " or ".join(homes(similar[0], self.tree, self.shape)[:3])
            return f'did you mean "{similar[0]}"? It belongs at {places}'
        return "remove it"

    def difference(self, name: str, shape: Shape, node: Node) -> tuple[int, int, str]:
        """How much the options of a component differ from those of the present one."""
        present = shape.component(type_of(node)) or {"properties": {}}
        other = shape.component(name) or {"properties": {}}
        options = present["properties"].keys() ^ other["properties"].keys()
        # Of two that differ as much, the plainer one tends to have the shorter name.
        return len(options), len(name), name

    def as_name(self, home: str, node: Node) -> str:
        """How a value is written where it belongs, if that is a component's name."""
        path = tuple(home.split("."))
        slot = self.shape.along(filled(self.tree, self.shape), path)
        if slot is None or not isinstance(node.value, str) or node.value in slot.names:
            return ""
        close = nearest_words(node.value, slot.names)
        return f", as {alternatives(close)}" if close else ""

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
        yield self.unknown_name(slot, slot.kind, name, path, node.place)

    def unknown_name(
        self, slot: Shape, kind: str, name: str, path: KeyPath, place: Place
    ) -> Problem:
        """Which of the ways to be unknown a name has taken."""
        installed = f"installed: {', '.join(slot.names) or 'none'}"
        if (kind, name) in self.broken:
            return _broken(self.broken[kind, name], path, place)
        try:
            index().find(kind, name)
        except PluginError as error:
            claims = [each for each in index().of(kind) if each.name == name]
            if claims:
                fact, _, help_ = str(error).partition(": ")
                return Problem(
                    "ambiguous-component", fact, path, help_, installed, place
                )
        elsewhere = [
            other
            for other in KINDS
            if other != kind and f"{other}.{name}" in self.shape.root["$defs"]
        ]
        if elsewhere:
            kinds = " and ".join(f"{article(each)} {words(each)}" for each in elsewhere)
            keys = " or ".join(f'"{KINDS[each].key}"' for each in elsewhere)
            begun = [each for each in slot.names if each.startswith(f"{name}_")]
            return Problem(
                "wrong-kind",
                f"{short(name)} is {kinds}, not {article(kind)} {words(kind)}",
                path,
                f"did you mean {alternatives(begun)}?"
                if begun
                else f"move it to {keys}" + _instead(name, slot.names),
                installed,
                place,
            )
        message = f"no {words(kind)} is called {short(name)}"
        question = did_you_mean(name, slot.names)
        distribution, slash, _ = name.partition("/")
        if slash and not question and KINDS[kind].shorthand is None:
            package = f'no component of "{distribution}" is installed'
            help_ = f"pip install {distribution}, or name one that is installed"
            return Problem(
                "missing-plugin", f"{message}: {package}", path, help_, installed, place
            )
        types = ["number"] if _takes_number(kind) else []
        if (number := meant_value(name, types, slot)) is not None:
            help_ = _write(number, path, place)
        elif types and (unquoted_number := unquoted(name, types, slot)):
            help_ = unquoted_number
        elif slot.nullable and means_nothing(name):
            help_ = "write null to go without"
        elif question:
            help_ = question
        elif KINDS[kind].shorthand and KINDS[kind].shorthand.json_type == "string":  # type: ignore[union-attr]  # it was just tested
            help_ = f'write one of these, or a folder as a path: "./{name[:60]}"'
        elif slot.names:
            help_ = f"write one of {', '.join(slot.names)}"
        else:
            help_ = "remove it, or install a package that has one"
        if os.environ.get("VQFW_NO_PLUGINS", "") not in ("", "0"):
            installed += "; VQFW_NO_PLUGINS hides those of other packages"
        return Problem("unknown-component", message, path, help_, installed, place)

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
            else _write(value, path, node.place),
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
        if error.validator != "enum":
            fact = f"{called(path)} is not allowed: {error.message[:200]}"
            yield Problem(
                "not-allowed",
                fact,
                path,
                help="write another value",
                note=described(shape),
                place=node.place,
            )
            return
        allowed = list(error.validator_value)
        texts = [each for each in allowed if isinstance(each, str)]
        name = node.value if isinstance(node.value, str) else ""
        listed = ", ".join(json.dumps(each) for each in allowed)
        yield Problem(
            "not-allowed",
            f"{called(path)} cannot be {short(node.value)}",
            path,
            help=did_you_mean(name, texts) or f"write {listed}",
            note=f"allowed: {listed}",
            place=node.place,
        )


def _takes_number(kind: str) -> bool:
    short = KINDS[kind].shorthand
    return KINDS[kind].plain == "number" or bool(short and short.json_type == "number")


def _write(value: Any, path: KeyPath, place: Place) -> str:
    """The repair that replaces a value: in a file, or in the argument that set it."""
    text = json.dumps(value)
    if place.source.startswith("--set "):
        return f"--set {shlex.quote(f'{dotted(path)}={text}')}"
    return f"write {text}"


def _broken(reason: str, path: KeyPath, place: Place) -> Problem:
    """A problem from the one sentence of a ``PluginError``: the fact, then the repair."""
    for separator, end in (("): ", ")"), ("; ", "")):
        fact, found, repair = reason.rpartition(separator)
        if found:
            return Problem("broken-component", fact + end, path, repair, place=place)
    repair = "repair or uninstall its package, or name another component"
    return Problem("broken-component", reason, path, repair, place=place)


def _instead(name: str, names: tuple[str, ...]) -> str:
    close = nearly_equal(name, names)
    return f", or did you mean {alternatives(close)}?" if close else ""


def _meant(meant: list[str], key: str, node: Node) -> str:
    right = node.value.get(meant[0]) if len(meant) == 1 else None
    # In another file or argument, the wrong key was to replace the right one.
    if right is not None and right.place.source == node.value[key].place.source:
        return f'remove it: "{meant[0]}" is given too'
    return f"did you mean {alternatives(meant)}?"
