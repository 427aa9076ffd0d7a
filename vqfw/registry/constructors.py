"""The schema fragment of one component: read from its constructor, and checked."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

from vqfw.errors import PluginError, in_short
from vqfw.kinds.catalog import KINDS, OBSERVER
from vqfw.registry.building import load_entry
from vqfw.registry.entries import Entry
from vqfw.registry.parameters import Schema, fragment

# Keywords that mean the same in draft-07 and 2020-12, refer to nothing outside, and take
# time in proportion to the value (a regular expression may take any time).
_PLAIN_KEYWORDS = frozenset(
    {
        "before", "const", "default", "deprecated", "description", "enum", "examples",
        "exclusiveMaximum", "exclusiveMinimum", "format", "introduced",
        "markdownDescription", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum",
        "multipleOf", "required", "title", "type", "uniqueItems",
    }
)  # fmt: skip
_SCHEMA_KEYWORDS = frozenset({"if", "then", "else", "items", "not", "allOf", "anyOf"})
_ROOT_KEYWORDS = frozenset(
    {
        "type", "title", "description", "markdownDescription", "properties", "required",
        "additionalProperties",
    }
)  # fmt: skip


def component_fragment(entry: Entry) -> Schema:
    """Reads the fragment of a component from its constructor; imports the component.

    Raises:
        PluginError: if it cannot be imported, or an option is no JSON value.
    """
    if entry.kind == OBSERVER:
        # pluggy takes longer to import than a listing that needs none of this.
        from vqfw.registry.hooks import observer_fragment

        return observer_fragment(entry)
    component = load_entry(entry)
    try:
        found = fragment(component, KINDS[entry.kind], entry.name)
    except PluginError as error:
        raise refused_options(entry, str(error)) from error
    except Exception as error:  # annotations are code of the plugin
        why = f"its annotations raise {in_short(error)}"
        raise refused_options(entry, why) from error
    text = re.split(r"\n(?:Args|Examples?):", inspect.getdoc(component) or "")[0]
    found["markdownDescription"] = re.sub("(?<!`)``(?!`)", "`", text.strip())
    check_fragment(found, entry)
    return found


def check_fragment(found: Any, entry: Entry) -> None:
    """Refuses a fragment that is no closed schema, or has a keyword or ``$ref`` not allowed.

    Raises:
        PluginError: naming the component, the keyword and its place.
    """
    from jsonschema import Draft202012Validator, SchemaError

    try:
        json.dumps(found, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise refused_options(entry, f"a default is no JSON ({error})") from error
    try:
        Draft202012Validator.check_schema(found)
    except SchemaError as error:
        path = "/".join(str(part) for part in error.absolute_path)
        raise refused_options(
            entry, f'"{path}" is no JSON Schema ({error.message})'
        ) from error
    if not isinstance(found, dict) or found.get("additionalProperties") is not False:
        raise refused_options(entry, "it is not a closed object")
    if set(found) - _ROOT_KEYWORDS:
        raise refused_options(
            entry, f'"{min(set(found) - _ROOT_KEYWORDS)}" stands at its root'
        )
    for key, schema in found.get("properties", {}).items():
        _check_keywords(schema, entry, key)


def _check_keywords(schema: Any, entry: Entry, at: str) -> None:
    if not isinstance(schema, Mapping):
        return
    for keyword, value in schema.items():
        here = f"{at}/{keyword}"
        if keyword == "$ref":
            if str(value).removeprefix("#/$defs/") not in KINDS:
                raise refused_options(
                    entry, f'"{here}" points to {value!r}, not to a kind'
                )
        elif keyword in ("properties", "additionalProperties"):
            each = value.items() if keyword == "properties" else [(keyword, value)]
            for key, below in each:
                _check_keywords(below, entry, f"{at}/{key}")
        elif keyword in _SCHEMA_KEYWORDS:
            for below in value if isinstance(value, list) else [value]:
                _check_keywords(below, entry, here)
        elif keyword not in _PLAIN_KEYWORDS:
            raise refused_options(
                entry, f'"{here}" is a keyword that a component may not use'
            )


def refused_options(entry: Entry, why: str) -> PluginError:
    """The error for a component whose options no experiment can set."""
    return PluginError(
        f'the options of {entry.kind} "{entry.name}" of {entry.owner} cannot be used: '
        f"{why}; change the annotations of {entry.target}"
    )
