"""The values that an option allows: in words, and one to start from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from vqfw.registry.entries import Entry, index
from vqfw.schema.document import Schema
from vqfw.schema.loading import packaged


def in_words(schema: Mapping[str, Any]) -> str:
    """The values that the schema of an option allows: ``integer ≥ 1``, ``"a" or "b"``."""
    for inner in (schema.get("then"), *schema.get("allOf", ())[:1]):
        if inner:
            ending = " or null" if "then" in schema else ""
            return in_words(inner) + ending
    if "$ref" in schema:
        kind = str(schema["$ref"]).rpartition("/")[2]
        return f"{kind} component"
    if "enum" in schema:
        return " or ".join(json.dumps(each) for each in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    given = schema.get("type", "anything")
    name = " or ".join(given) if isinstance(given, list) else str(given)
    if "items" in schema:
        name += f" of {in_words(schema['items'])}"
    return " ".join([name, *_limits(schema)])


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    signs = {
        "minimum": "≥",
        "exclusiveMinimum": ">",
        "maximum": "≤",
        "exclusiveMaximum": "<",
        "minItems": "length ≥",
        "maxItems": "length ≤",
        "multipleOf": "multiple of",
    }
    found = [f"{sign} {schema[key]:g}" for key, sign in signs.items() if key in schema]
    if found:
        yield " and ".join(found)


def packaged_fragment(entry: Entry) -> Schema | None:
    """The schema of a component of vqfw's own; None for any other."""
    if not entry.first_party:
        return None
    fragment: Schema | None = packaged()["$defs"].get(f"{entry.kind}.{entry.name}")
    return fragment


def plainest_values(fragment: Mapping[str, Any]) -> dict[str, Any]:
    """A value for each option: its default, or the plainest one that is allowed."""
    return {
        name: schema["default"] if "default" in schema else _plainest(schema)
        for name, schema in fragment.get("properties", {}).items()
        if name != "type"
    }


def _plainest(schema: Mapping[str, Any]) -> Any:
    words = in_words(schema)
    if words.endswith(" component"):
        return _bare(words.removesuffix(" component"))
    if "enum" in schema:
        return schema["enum"][0]
    given = schema.get("type")
    wanted = given[0] if isinstance(given, list) else given
    if wanted in ("integer", "number"):
        above = schema.get("exclusiveMinimum")
        return schema.get("minimum", 1 if above is None else above + 1)
    if wanted == "array":
        return [_plainest(schema.get("items", {}))] * max(1, schema.get("minItems", 1))
    return {"string": "...", "boolean": False, "object": {}}.get(str(wanted))


def _bare(kind: str) -> str:
    """A component of vqfw without required options, rather one that is a default."""
    usual = _defaults(kind)
    bare = []
    for entry in index().of(kind):
        fragment = packaged_fragment(entry)
        if fragment and set(fragment.get("required", ())) <= {"type"}:
            bare.append(entry.name)
    return next((name for name in bare if name in usual), bare[0] if bare else "...")


def _defaults(kind: str) -> set[str]:
    """The components of a kind that slots of vqfw's own components have as a default."""
    ours = map(packaged_fragment, index().entries)
    slots = [
        schema
        for fragment in ours
        for schema in (fragment or {}).get("properties", {}).values()
        if isinstance(schema.get("default"), str)
    ]
    return {each["default"] for each in slots if in_words(each) == f"{kind} component"}


def likely_value(name: str, schema: Mapping[str, Any]) -> str:
    """A value to type for a required option; empty where the plainest one does."""
    given = schema.get("type")
    wanted = given[0] if isinstance(given, list) else given
    if "enum" in schema or in_words(schema).endswith(" component"):
        return ""
    if wanted == "array":
        each = likely_value(name, schema.get("items", {}))
        return (
            f"[{','.join([each] * max(2, schema.get('minItems', 1)))}]" if each else ""
        )
    if wanted == "string":
        return name.upper()
    if wanted == "integer":
        most = schema.get("maximum", 16)
        return str(min(max(16, schema.get("minimum", 16)), most))
    return str(_plainest(schema)) if wanted == "number" else ""
