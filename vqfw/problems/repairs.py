"""Where a key that is unknown at one place is allowed: a component or another section."""

from __future__ import annotations

from collections.abc import Iterator

from vqfw.errors import dotted
from vqfw.schema.layers import default_of
from vqfw.schema.shape import Shape
from vqfw.text.tree import Node


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
        (path, key)
        for path, options in _containers(root, shape, ())
        if key in options and key != "type"
    ]
    paths.sort(key=lambda each: _in_component(shape, root, each[0]))
    return [dotted((*path, key)) for path, key in paths]


def _in_component(shape: Shape, root: Node, path: tuple[str | int, ...]) -> bool:
    here = shape.along(root, path)
    return here is not None and here.kind is not None


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
