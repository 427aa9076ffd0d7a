"""The words of an unknown key: what it was meant to be, or where it belongs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vqfw.errors import KeyPath, Problem, dotted
from vqfw.problems.wording import accepted, short, words
from vqfw.schema.layers import default_of, filled
from vqfw.schema.shape import Shape, type_of
from vqfw.suggestions import alternatives, nearest_words, nearly_equal
from vqfw.text.tree import Node


@dataclass(frozen=True)
class UnknownKey:
    """A key that its object does not have.

    Args:
        key: as it is written.
        path: of the object.
        node: the object.
        shape: of the object.
        known: the schema of each key that the object has.
        tree: the whole experiment.
        whole: its shape.
    """

    key: str
    path: KeyPath
    node: Node
    shape: Shape
    known: Mapping[str, Any]
    tree: Node
    whole: Shape

    def problem(self) -> Problem:
        child = self.node.value[self.key]
        return Problem(
            "unknown-key",
            f"unknown key {short(self.key)}",
            (*self.path, self.key),
            help=self.repair(),
            note=accepted(self.shape, self.node, self.known, self.path),
            place=child.key or child.place,
        )

    def repair(self) -> str:
        """What to do about a key that is not allowed here."""
        key, node, shape = self.key, self.node, self.shape
        free = {*self.known} - {"$schema"}
        if slip := nearly_equal(key, free):
            return _meant(slip, key, node)
        names = [name for kind, name in owners(key, self.whole) if kind == shape.kind]
        if shape.kind and names:
            names.sort(key=self.difference)
            return (
                f'"{key}" is a setting of {words(shape.kind)} {alternatives(names)}; '
                f'set "type": "{names[0]}" or remove it'
            )
        if elsewhere := homes(key, self.tree, self.whole):
            move = f'"{key}" belongs at {" or ".join(elsewhere[:3])}: move it there'
            return move + self.as_name(elsewhere[0], node.value[key])
        if loosely := nearest_words(key, free):
            return _meant(loosely, key, node)
        if others := owners(key, self.whole):
            kind, name = others[0]
            return f'"{key}" is a setting of {words(kind)} "{name}": write it there'
        if similar := nearly_equal(key, keys_anywhere(self.tree, self.whole)):
            places = " or ".join(homes(similar[0], self.tree, self.whole)[:3])
            return f'did you mean "{similar[0]}"? It belongs at {places}'
        return "remove it"

    def difference(self, name: str) -> tuple[int, int, str]:
        """How much the options of a component differ from those of the present one."""
        present = self.shape.component(type_of(self.node)) or {"properties": {}}
        other = self.shape.component(name) or {"properties": {}}
        options = present["properties"].keys() ^ other["properties"].keys()
        # Of two that differ as much, the plainer one tends to have the shorter name.
        return len(options), len(name), name

    def as_name(self, home: str, node: Node) -> str:
        """How a value is written where it belongs, if that is a component's name."""
        path = tuple(home.split("."))
        slot = self.whole.along(filled(self.tree, self.whole), path)
        if slot is None or not isinstance(node.value, str) or node.value in slot.names:
            return ""
        close = nearest_words(node.value, slot.names)
        return f", as {alternatives(close)}" if close else ""


def _meant(meant: list[str], key: str, node: Node) -> str:
    right = node.value.get(meant[0]) if len(meant) == 1 else None
    # In another file or argument, the wrong key was to replace the right one.
    if right is not None and right.place.source == node.value[key].place.source:
        return f'remove it: "{meant[0]}" is given too'
    return f"did you mean {alternatives(meant)}?"


def owners(key: str, shape: Shape) -> list[tuple[str, str]]:
    """The components, by kind and name, that have a key among their own options."""
    pairs = ((name.partition("."), each) for name, each in shape.root["$defs"].items())
    return [
        (kind, name)
        for (kind, dot, name), fragment in pairs
        if dot and key != "type" and key in fragment["properties"]
    ]


def homes(key: str, root: Node, shape: Shape) -> list[str]:
    """The places in this experiment where a key would be right, as dotted paths.

    Those in the engine's own sections come before those in components.
    """
    paths = [
        path
        for path, options in _containers(root, shape, ())
        if key in options and key != "type"
    ]

    def in_component(path: KeyPath) -> bool:
        here = shape.along(root, path)
        return here is not None and here.kind is not None

    return [dotted((*path, key)) for path in sorted(paths, key=in_component)]


def keys_anywhere(root: Node, shape: Shape) -> set[str]:
    """Every key that would be right somewhere in this experiment."""
    return {key for _, options in _containers(root, shape, ()) for key in options}


def _containers(
    node: Node, shape: Shape, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], frozenset[str]]]:
    """All objects of the experiment whose keys are known, the outermost first."""
    options = shape.options(node)
    if options is not None:
        yield path, frozenset(options)
    for key, below in (options or {}).items():
        child, steps = node.down((key,))
        # A section or a component that the file leaves out could still be written.
        if not steps:
            child = default_of(below) or Node({}, node.place)
        if isinstance(child.value, dict) and (below.kind is None or child.value):
            yield from _containers(child, below, (*path, key))
