"""The keys, items, components and defaults that the schema allows at one location.

JSON Schema decides whether a value is valid. Merging, defaults and messages need the
allowed values instead; they are read from the few forms that the schema of vqfw uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from vqfw.errors import PluginError
from vqfw.kinds.catalog import KINDS
from vqfw.registry.compatibility import own_release
from vqfw.registry.entries import FIRST_PARTY, index
from vqfw.text.tree import Node

Schema = Mapping[str, Any]

_DEFS = "#/$defs/"


@dataclass(frozen=True)
class Shape:
    """One location of an experiment and its schema.

    Args:
        schema: what stands in ``properties`` or ``items`` for it.
        root: the whole schema.
        owner: the section or component whose setting this is, for messages.
        provider: distribution and version whose default holds here.
    """

    schema: Schema
    root: Schema
    owner: str = "experiment"
    provider: str = FIRST_PARTY

    @cached_property
    def kind(self) -> str | None:
        """The kind of component that is set here; None for other settings."""
        reference = _reference(self.schema)
        name = (reference or "").removeprefix(_DEFS)
        return name if name in KINDS else None

    @property
    def nullable(self) -> bool:
        """Whether null is allowed."""
        if "if" in self.schema:
            return True
        if "enum" in self.schema:
            return None in self.schema["enum"]
        return "null" in self.types

    @property
    def types(self) -> tuple[str, ...]:
        """The allowed JSON types; empty if all are."""
        given = self.schema.get("type", ())
        return (given,) if isinstance(given, str) else tuple(given)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the components that are allowed."""
        if self.kind is None:
            return ()
        slot = self.root["$defs"][self.kind]
        return tuple(slot["properties"]["type"].get("enum", ()))

    def component(self, name: Any) -> Schema | None:
        """The fragment of a component of this kind; None if there is none."""
        fragments: Mapping[str, Schema] = self.root["$defs"]
        return fragments.get(f"{self.kind}.{name}") if isinstance(name, str) else None

    def options(self, node: Node | None) -> Mapping[str, Shape] | None:
        """The allowed keys of an object; None if all are.

        Args:
            node: the object, which says which component stands in a slot.
        """
        schema, owner, provider = self.schema, self.owner, self.provider
        if self.kind is not None:
            name = type_of(node)
            fragment = self.component(name)
            if fragment is None:
                return None
            schema, owner = fragment, f'{self.kind} "{name}"'
            provider = provider_of(self.kind, name)
        properties = schema.get("properties")
        if properties is None:
            return None
        return {
            key: Shape(
                each, self.root, f'"{key}"' if schema is self.root else owner, provider
            )
            for key, each in properties.items()
        }

    def child(self, part: str | int, node: Node | None) -> Shape | None:
        """The shape one step down, or None where the schema says nothing."""
        if isinstance(part, int):
            items = self.schema.get("items")
            return None if items is None else replace(self, schema=items)
        return (self.options(node) or {}).get(part)

    def along(self, root: Node, path: tuple[str | int, ...]) -> Shape | None:
        """The shape at the end of a path from here."""
        shape: Shape | None = self
        node: Node | None = root
        for part in path:
            if shape is None:
                return None
            shape = shape.child(part, node)
            node = _step(node, part)
        return shape

    def expanded(self, node: Node) -> Node:
        """Writes a shorthand out: ``"ema"`` becomes ``{"type": "ema"}``.

        What is no shorthand here is returned as it is.
        """
        if self.kind is None or isinstance(node.value, dict | list | bool | None):
            return node
        kind = KINDS[self.kind]
        short = kind.shorthand
        if isinstance(node.value, str):
            as_value = (
                short is not None
                and short.json_type == "string"
                and node.value not in self.names
                and _path_like(node.value)
            )
        elif kind.plain == "number":
            return node
        else:
            as_value = short is not None and short.json_type == "number"
            if not as_value:
                return node
        if not as_value or short is None:
            return _object(node, {"type": node.value})
        return _object(node, {"type": short.component, short.option: node.value})


def whole(schema: Schema) -> Shape:
    """The shape of a whole file, which is an experiment unless its schema says else."""
    owner = str(schema.get("title", "experiment")).removeprefix("vqfw ")
    return Shape(schema, schema, owner, own_release())


def provider_of(kind: str, name: str) -> str:
    """Distribution and version of a component."""
    try:
        return index().find(kind, name).owner
    except PluginError:
        return own_release()


def type_of(node: Node | None) -> Any:
    """What ``type`` says in an object; None if there is no such key."""
    if node is None or not isinstance(node.value, dict) or "type" not in node.value:
        return None
    return node.value["type"].value


def _object(node: Node, values: Mapping[str, Any]) -> Node:
    members = {key: Node(value, node.place, node.key) for key, value in values.items()}
    return Node(members, node.place, node.key, node.replaced)


def _path_like(text: str) -> bool:
    return "/" in text or "\\" in text or text.startswith((".", "~"))


def _step(node: Node | None, part: str | int) -> Node | None:
    if node is None:
        return None
    found, steps = node.down((part,))
    return found if steps else None


def _reference(schema: Schema) -> str | None:
    """The ``$ref`` of a slot's schema, in each of its three forms."""
    if "$ref" in schema:
        return str(schema["$ref"])
    if "then" in schema:
        return _reference(schema["then"])
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return _reference(schema["allOf"][0])
    return None
