"""Adds or drops settings that older records do not have.

An option that joins a section or a component after its first release is annotated with
``Introduced(VERSION)``. At its default such a setting says nothing that an older record
does not say too, so it is left out where records are compared. Where the program did
something else before, ``Introduced(VERSION, before=VALUE)`` gives records that lack the
setting that value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from vqfw.errors import Place
from vqfw.schema.layers import default_of, filled
from vqfw.schema.loading import schema_for
from vqfw.schema.shape import Shape, whole
from vqfw.text.tree import Node, defaulted, strings

_NOWHERE = Place("", 0, 0, 0, "")
_Change = Callable[[dict[str, Node], str, Shape], None]


def without_later_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved experiment without the later settings that stand at their defaults.

    Args:
        values: of a record, of whatever age, or of this process.
    """
    return _changed(values, _drop_default)


def with_later_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved experiment with every later setting that it lacks at its default.

    Args:
        values: of a record, of whatever age.
    """
    return _changed(values, _add_default)


def as_recorded(values: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded experiment, with what the settings that it lacks were in effect.

    Args:
        values: of the record; what it has stays as it is.
    """
    return _changed(values, _add_before)


def _changed(values: Mapping[str, Any], change: _Change) -> dict[str, Any]:
    tree = defaulted(values, _NOWHERE)
    schema, _ = schema_for(strings([tree]))
    plain: dict[str, Any] = _walked(tree, whole(schema), change).plain()
    return plain


def _walked(node: Node, shape: Shape, change: _Change) -> Node:
    if isinstance(node.value, list):
        below = shape.child(0, node)
        if below is None:
            return node
        return replace(
            node, value=[_walked(each, below, change) for each in node.value]
        )
    options = shape.options(node)
    if not isinstance(node.value, dict) or options is None:
        return node
    members = {
        key: _walked(each, options[key], change) if key in options else each
        for key, each in node.value.items()
    }
    for key, below in options.items():
        if "introduced" in below.schema:
            change(members, key, below)
    return replace(node, value=members)


def _drop_default(members: dict[str, Node], key: str, shape: Shape) -> None:
    default = default_of(shape)
    if key not in members or default is None:
        return
    settled = _walked(filled(default, shape), shape, _drop_default)
    if members[key].plain() == settled.plain():
        del members[key]


def _add_default(members: dict[str, Node], key: str, shape: Shape) -> None:
    default = default_of(shape)
    if key not in members and default is not None:
        members[key] = filled(default, shape)


def _add_before(members: dict[str, Node], key: str, shape: Shape) -> None:
    if key not in members and "before" in shape.schema:
        members[key] = defaulted(shape.schema["before"], _NOWHERE)
