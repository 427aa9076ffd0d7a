"""Merges the layers of an experiment and fills in the defaults.

Objects are merged, all other values are replaced, and a changed ``type`` drops the
options of the former component. Each value keeps its place and the values it replaced.
Invalid values are kept: the schema reports them later.
"""

from __future__ import annotations

from dataclasses import replace

from vqfw.errors import Place
from vqfw.schema.shape import Shape, type_of
from vqfw.text.tree import Node, defaulted


def merged(base: Node, over: Node, shape: Shape | None) -> Node:
    """The value at a location after a higher layer is merged over it."""
    if shape is not None:
        base, over = shape.expanded(base), shape.expanded(over)
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return replace(over, replaced=base)
    if "type" in over.value and type_changed(base, over.value["type"], shape):
        return replace(over, replaced=base)
    members = dict(base.value)
    for key, node in over.value.items():
        if key in members:
            typed = over if "type" in over.value else base
            below = shape.child(key, typed) if shape else None
            members[key] = merged(members[key], node, below)
        else:
            members[key] = node
    return Node(members, over.place, over.key or base.key, base.replaced)


def type_changed(base: Node, fresh: Node, shape: Shape | None) -> bool:
    """Whether the component at a location changes."""
    if shape is None or shape.kind is None:
        return False
    return type_of(base) is not None and bool(type_of(base) != fresh.value)


def written_out(node: Node, shape: Shape | None) -> Node:
    """The same tree with every shorthand written out."""
    if shape is not None:
        node = shape.expanded(node)
    if isinstance(node.value, dict):
        options = (shape.options(node) if shape else None) or {}
        members = {
            key: written_out(each, options.get(key)) for key, each in node.value.items()
        }
        return replace(node, value=members)
    if isinstance(node.value, list):
        below = shape.child(0, node) if shape else None
        return replace(node, value=[written_out(each, below) for each in node.value])
    return node


def filled(node: Node, shape: Shape) -> Node:
    """The same tree with the default of every missing setting.

    A given value records the default that it replaced. Shorthands are expected to be
    written out.
    """
    if isinstance(node.value, list):
        below = shape.child(0, node)
        if below is None:
            return node
        items = [filled(each, below) for each in node.value]
        return replace(node, value=items)
    options = shape.options(node)
    if not isinstance(node.value, dict) or options is None:
        return _numeric(node, shape)
    members: dict[str, Node] = {}
    for key, below in options.items():
        default = default_of(below)
        given = node.value.get(key)
        if given is None and default is None:
            continue
        if given is None:
            given = default
        elif default is not None:
            given = _over(default, given)
        assert given is not None
        members[key] = filled(given, below)
    unknown = {key: each for key, each in node.value.items() if key not in members}
    return replace(node, value={**members, **unknown})


def _over(default: Node, given: Node) -> Node:
    """The given value, with the default as the first value that it replaced."""
    if given.place == default.place:
        return given
    below = default if given.replaced is None else _over(default, given.replaced)
    return replace(given, replaced=below)


def default_of(shape: Shape) -> Node | None:
    """The default of a setting, written out; None if it has none."""
    if "default" not in shape.schema:
        return None
    place = Place(f"default of {shape.provider}", 0, 0, 0, "")
    return written_out(defaulted(shape.schema["default"], place), shape)


def _numeric(node: Node, shape: Shape) -> Node:
    """Converts ``64.0`` to an int and ``1`` to a float where the schema asks for it."""
    value = node.value
    listed = shape.schema.get("enum", ())
    whole = "integer" in shape.types or any(type(each) is int for each in listed)
    if isinstance(value, float) and whole and value.is_integer():
        return replace(node, value=int(value))
    # Where a foreign constructor has a whole number as its default, it may want one.
    if shape.types == ("number",) and not isinstance(shape.schema.get("default"), int):
        exact = isinstance(value, int) and not isinstance(value, bool)
        return replace(node, value=float(value)) if exact else node
    return node
