"""Turns what the schema finds wrong into problems that a person can mend.

Each finding gets its place in the file, what is allowed there, and the repair. How
problems are printed is the subject of ``problems.py``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vqfw.errors import Path, Place, PluginError, Problem
from vqfw.experiment.reader import Node
from vqfw.experiment.repairs import (
    alternatives,
    homes,
    keys_anywhere,
    near,
    owners,
    suggestions,
)
from vqfw.experiment.shape import Shape, type_of, whole
from vqfw.kinds.catalog import KINDS
from vqfw.registry.index import index

_TYPE_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_LIMITS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


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
    from jsonschema import Draft202012Validator
    from referencing import Registry

    finder = _Finder(tree, whole(schema), broken)
    # The empty registry keeps references from ever reaching a disk or a network.
    validator = Draft202012Validator(schema, registry=Registry())
    found: dict[tuple[Any, ...], Problem] = {}
    for error in validator.iter_errors(tree.plain()):
        for problem in finder.explained(error):
            found.setdefault((problem.code, problem.path, problem.message), problem)
    return _without_echoes(list(found.values()))


def located(problem: Problem, tree: Node) -> Place:
    """Where the value at a problem's path was written, or the nearest thing above it."""
    node, steps = tree.down(problem.path)
    if steps == len(problem.path) and not _is_default(node.place):
        return node.place
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
        path: Path = tuple(error.absolute_path)
        node, _ = self.tree.down(path)
        explain: Callable[[Any, Path, Node], Iterator[Problem]]
        if path and path[-1] == "type" and self.slot_of(path) is not None:
            explain = self.component
        else:
            explain = {
                "additionalProperties": self.unknown_keys,
                "required": self.missing,
                "type": self.wrong_type,
                "pattern": self.bad_name,
                **dict.fromkeys(_LIMITS, self.out_of_range),
                **dict.fromkeys(("minItems", "maxItems"), self.wrong_length),
            }.get(error.validator, self.not_allowed)
        yield from explain(error, path, node)

    def slot_of(self, path: Path) -> Shape | None:
        """The slot whose ``type`` stands at a path."""
        parent = self.shape.along(self.tree, path[:-1])
        return parent if parent is not None and parent.kind else None

    def at(self, path: Path) -> Shape:
        return self.shape.along(self.tree, path) or Shape({}, self.shape.root)

    # Keys

    def unknown_keys(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        known = error.schema.get("properties", {})
        for key, child in node.value.items():
            if key in known:
                continue
            shape = self.at(path)
            yield Problem(
                "unknown-key",
                f"unknown key {_quoted(key)}",
                (*path, key),
                help=self.key_repair(key, set(known), shape, node),
                note=_accepted(shape, node, known),
                place=child.key or child.place,
            )

    def key_repair(self, key: str, known: set[str], shape: Shape, node: Node) -> str:
        """What to do about a key that is not allowed here."""
        free = known - {"$schema"}
        if slip := near(key, free):
            return _meant(slip, node)
        mine = [(kind, name) for kind, name in owners(key, self.shape) if kind == shape.kind]
        if mine:
            names = alternatives(name for _, name in mine)
            return (
                f'"{key}" is a setting of {shape.kind} {names}; '
                f'set "type": "{mine[0][1]}" or remove it'
            )
        if elsewhere := homes(key, self.tree, self.shape):
            return f'"{key}" belongs at {" or ".join(elsewhere[:3])}: move it there'
        if loosely := suggestions(key, free):
            return _meant(loosely, node)
        if others := owners(key, self.shape):
            kind, name = others[0]
            return f'"{key}" is a setting of {kind} "{name}": write it there'
        if similar := near(key, keys_anywhere(self.tree, self.shape)):
            places = " or ".join(homes(similar[0], self.tree, self.shape)[:3])
            return f'did you mean "{similar[0]}"? It belongs at {places}'
        return "remove it"

    def missing(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        shape = self.at(path)
        for key in error.validator_value:
            if key in node.value:
                continue
            name = type_of(node)
            if shape.kind and key == "type":
                owner, help_ = f"{_article(shape.kind)} {shape.kind}", self.type_repair(
                    shape, node
                )
            else:
                owner = f'{shape.kind} "{name}"' if shape.kind else _here(path)
                help_ = f'add "{key}"{_what(shape, node, key)}'
            yield Problem(
                "missing-key",
                f'{owner} needs "{key}"',
                (*path, key),
                help=help_,
                note=_accepted(shape, node, (shape.options(node) or {})),
                place=node.key or node.place,
            )

    def type_repair(self, shape: Shape, node: Node) -> str:
        """Which ``type`` the other keys of an object speak for."""
        given = set(node.value)
        fitting = [
            name
            for name in shape.names
            if given and given <= set((shape.component(name) or {})["properties"])
        ]
        names = fitting or list(shape.names)
        if len(names) == 1:
            return f'add "type": "{names[0]}"'
        return f'add "type", one of {", ".join(names) or "none: nothing is installed"}'

    # Components

    def component(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        slot = self.slot_of(path)
        assert slot is not None
        assert slot.kind is not None
        if error.validator not in ("enum", "not"):
            return
        parent, _ = self.tree.down(path[:-1])
        # A shorthand has no key "type" that the user would find.
        if parent.place == node.place:
            path = path[:-1]
        name = node.value
        if not isinstance(name, str):
            message = f"the name of {_article(slot.kind)} {slot.kind} is a string"
            yield Problem(
                "wrong-type",
                f"{message}, got {_given(name)}",
                path,
                help=f"write one of {', '.join(slot.names) or 'none'}",
                place=node.place,
            )
            return
        yield self.unknown_name(slot, slot.kind, name, path, node.place)

    def unknown_name(
        self, slot: Shape, kind: str, name: str, path: Path, place: Place
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
            kinds = " and ".join(f"{_article(each)} {each}" for each in elsewhere)
            keys = " or ".join(f'"{KINDS[each].key}"' for each in elsewhere)
            return Problem(
                "wrong-slot",
                f"{_quoted(name)} is {kinds}, not {_article(kind)} {kind}",
                path,
                f"move it to {keys}" + _instead(name, slot.names),
                installed,
                place,
            )
        message = f"no {kind} is called {_quoted(name)}"
        close = suggestions(name, slot.names)
        distribution, slash, _ = name.partition("/")
        if slash and not close and KINDS[kind].shorthand is None:
            package = f'no component of "{distribution}" is installed'
            help_ = f"pip install {distribution}, or name one that is installed"
            return Problem(
                "missing-plugin", f"{message}: {package}", path, help_, installed, place
            )
        if close:
            help_ = f"did you mean {alternatives(close)}?"
        elif KINDS[kind].shorthand and KINDS[kind].shorthand.json_type == "string":  # type: ignore[union-attr]  # it was just tested
            help_ = f'write one of these, or a folder as a path: "./{name[:60]}"'
        else:
            help_ = f"write one of {', '.join(slot.names) or 'none: none is installed'}"
        if os.environ.get("VQFW_NO_PLUGINS", "") not in ("", "0"):
            installed += "; VQFW_NO_PLUGINS hides those of other packages"
        return Problem("unknown-component", message, path, help_, installed, place)

    # Values

    def wrong_type(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        shape = self.at(path)
        wanted = error.validator_value
        types = [wanted] if isinstance(wanted, str) else list(wanted)
        what = " or ".join(_TYPE_NAMES[each] for each in types)
        if shape.kind:
            what = f"{_article(shape.kind)} {shape.kind}"
        elif not path:
            what = "an object: {...}"
        yield Problem(
            "wrong-type",
            f"{_here(path)} must be {what}, got {_given(node.value)}",
            path,
            help=_type_help(node.value, types, shape),
            note=_described(shape),
            place=node.place,
        )

    def out_of_range(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        shape = self.at(path)
        limits = _limits(error.schema)
        yield Problem(
            "out-of-range",
            f"{_here(path)} must be {limits}, got {_short(node.value)}",
            path,
            help=f"write a number {limits}",
            note=_described(shape),
            place=node.place,
        )

    def wrong_length(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        few = error.validator == "minItems"
        bound = f"at {'least' if few else 'most'} {error.validator_value}"
        yield Problem(
            "wrong-length",
            f"{_here(path)} must have {bound} items, got {len(node.value)}",
            path,
            help="add some" if few else "remove some",
            note=_described(self.at(path)),
            place=node.place,
        )

    def bad_name(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        lowered = "".join(
            each if each.isascii() and (each.isalnum() or each in "._-") else "-"
            for each in node.value.strip().lower()
        ).strip(".-_")
        yield Problem(
            "bad-name",
            f"{_quoted(node.value)} cannot name a run",
            path,
            help=f'write "{lowered[:64] or "experiment"}"',
            note="1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit",
            place=node.place,
        )

    def not_allowed(self, error: Any, path: Path, node: Node) -> Iterator[Problem]:
        shape = self.at(path)
        if error.validator != "enum":
            fact = f"{_here(path)} is not allowed: {error.message[:200]}"
            yield Problem(
                "not-allowed", fact, path, note=_described(shape), place=node.place
            )
            return
        allowed = list(error.validator_value)
        words = [each for each in allowed if isinstance(each, str)]
        close = suggestions(node.value, words) if isinstance(node.value, str) else []
        listed = ", ".join(json.dumps(each) for each in allowed)
        yield Problem(
            "not-allowed",
            f"{_here(path)} cannot be {_short(node.value)}",
            path,
            help=f"did you mean {alternatives(close)}?" if close else f"write {listed}",
            note=f"allowed: {listed}",
            place=node.place,
        )


def _broken(reason: str, path: Path, place: Place) -> Problem:
    fact, colon, repair = reason.rpartition("): ")
    if not colon:
        fact, _, repair = reason.rpartition("; ")
        return Problem("broken-component", fact, path, repair, place=place)
    return Problem("broken-component", f"{fact})", path, repair, place=place)


def _instead(name: str, names: tuple[str, ...]) -> str:
    close = near(name, names)
    return f", or did you mean {alternatives(close)}?" if close else ""


def _meant(words: list[str], node: Node) -> str:
    if len(words) == 1 and words[0] in node.value:
        return f'remove it: "{words[0]}" is given too'
    return f"did you mean {alternatives(words)}?"


def _accepted(shape: Shape, node: Node, known: Mapping[str, Any]) -> str:
    """``quantizer "ema" (vqfw 0.1.0) accepts num_embeddings=512, ...``."""
    listed = []
    for key, each in known.items():
        if key in ("type", "$schema"):
            continue
        schema = each.schema if isinstance(each, Shape) else each
        has_default = "default" in schema and not isinstance(schema["default"], dict)
        listed.append(f"{key}={json.dumps(schema['default'])}" if has_default else key)
    if not listed:
        return ""
    options = shape.options(node) or {}
    provider = next((each.provider for each in options.values()), "")
    owner = f'{shape.kind} "{type_of(node)}" ({provider})' if shape.kind else "it"
    return f"{owner} accepts {', '.join(listed)}"


def _what(shape: Shape, node: Node, key: str) -> str:
    below = (shape.options(node) or {}).get(key)
    text = below.schema.get("description", "") if below else ""
    if below is not None and below.kind:
        return f", one of {', '.join(below.names)}"
    return f": {text[0].lower()}{text[1:].rstrip('.')}" if text else ""


def _type_help(value: Any, types: list[str], shape: Shape) -> str:
    """How the same value would be written rightly, where that can be told."""
    if isinstance(value, str):
        return _unquoted(value, types) or f"write {_types(types, shape)}"
    if isinstance(value, list) and len(value) == 1 and "array" not in types:
        return f"write it without the brackets: {_short(value[0].plain())}"
    if isinstance(value, dict | list):
        return f"write {_types(types, shape)}"
    if "string" in types and not shape.kind and value is not None:
        return f'put it in quotes: "{_short(value)}"'
    if "array" in types and value is not None:
        return f"put it in a list: [{_short(value)}]"
    if "boolean" in types and value in (0, 1):
        return f"write {'true' if value else 'false'}"
    if isinstance(value, float) and "integer" in types:
        return f"write a whole number, such as {round(value)}"
    if value is None and "default" in shape.schema:
        return f"remove it to get the default, {_short(shape.schema['default'])}"
    return f"write {_types(types, shape)}"


def _unquoted(text: str, types: list[str]) -> str:
    bare = {"None": "null", "True": "true", "False": "false"}.get(text, text.strip())
    try:
        value = json.loads(bare)
    except (ValueError, RecursionError):
        return f'put it in a list: ["{text}"]' if "array" in types and text else ""
    kinds = {
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "null": value is None,
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }
    fits = any(kinds.get(each, False) for each in types)
    return f"remove the quotes: {bare[:60]}" if fits else ""


def _types(types: list[str], shape: Shape) -> str:
    if shape.kind:
        names = ", ".join(shape.names) or "none is installed"
        return f'a name or an object with "type": {names}'
    return " or ".join(_TYPE_NAMES[each] for each in types)


def _limits(schema: Mapping[str, Any]) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}"
    parts = []
    if low is not None:
        parts.append(f"at least {low:g}")
    if above is not None:
        parts.append(f"above {above:g}")
    if high is not None:
        parts.append(f"at most {high:g}")
    if below is not None:
        parts.append(f"below {below:g}")
    return " and ".join(parts)


def _here(path: Path) -> str:
    """What a message calls a value: its key, and which item of it."""
    key = next((part for part in reversed(path) if isinstance(part, str)), None)
    if key is None:
        return "an experiment"
    index_ = "".join(f"[{part}]" for part in path[len(path) - _tail(path) :])
    return f'"{key}{index_}"' if index_ else f'"{key}"'


def _tail(path: Path) -> int:
    count = 0
    for part in reversed(path):
        if isinstance(part, str):
            break
        count += 1
    return count


def _described(shape: Shape) -> str:
    return str(shape.schema.get("description", ""))


def _given(value: Any) -> str:
    if isinstance(value, str):
        return f"the string {_quoted(value)}"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return _short(value)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _quoted(text: str) -> str:
    return _short(text)


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"
