"""The JSON Schema of an experiment, from the engine's sections and components' options.

Its shape is chosen for the errors it gives: an ``enum`` on ``type`` and an ``if/then``
for each component report every mistake apart, where ``oneOf`` reports that nothing fits.
Only keywords are used that mean the same in draft-07 and 2020-12, so every editor agrees
with the command line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vqfw.kinds.catalog import KINDS, Kind
from vqfw.registry.parameters import section
from vqfw.schema.settings import DataSettings, EvaluationSettings, TrainingSettings

Schema = dict[str, Any]
Fragments = Mapping[tuple[str, str], Mapping[str, Any]]
"""Closed objects by kind and name."""

NAME_PATTERN = "^[a-z0-9][a-z0-9._-]{0,63}$"
REQUIRED = ("data", "model")


def assembled(components: Fragments) -> Schema:
    """The whole schema, from the fragments of its components."""
    components = {key: _annotated(components[key]) for key in sorted(components)}
    definitions: Schema = {}
    for kind in KINDS.values():
        mine = {
            name: found for (k, name), found in components.items() if k == kind.name
        }
        definitions[kind.name] = _slot(kind, mine)
    for (kind_name, name), found in components.items():
        definitions[f"{kind_name}.{name}"] = found
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vqfw experiment",
        "description": "What vqfw run trains and evaluates.",
        "allowComments": True,
        "allowTrailingCommas": True,
        "type": "object",
        "properties": _sections(),
        "required": list(REQUIRED),
        "additionalProperties": False,
        "$defs": definitions,
    }


def _sections() -> Schema:
    """The keys of the file; those of the engine come from their dataclasses."""
    text = {"type": "string"}
    return {
        "$schema": {
            **text,
            "description": "This schema, for editors; vqfw ignores it.",
        },
        "extends": {
            **text,
            "description": "A file in or below this file's folder, which this file "
            "changes: objects are merged, lists replaced, and a new type drops the "
            "settings of the old one.",
        },
        "name": {
            **text,
            "pattern": NAME_PATTERN,
            "default": "experiment",
            "description": "Lower-case name, part of the id of each run.",
        },
        "description": {
            **text,
            "default": "",
            "description": "What is tried, and why.",
        },
        "notes": {
            "type": "object",
            "default": {},
            "description": "Anything you want to keep with the runs; vqfw ignores it.",
        },
        "seed": {
            "type": "integer",
            "minimum": 0,
            "default": 0,
            "description": "Where all random draws of training start from.",
        },
        "data": _annotated(section(DataSettings)),
        "model": _annotated(
            {"$ref": "#/$defs/model", "description": "What is trained."}
        ),
        "losses": _annotated(
            {
                "type": "array",
                "items": {"$ref": "#/$defs/loss"},
                "minItems": 1,
                "default": ["mse"],
                "description": "Reconstruction terms; their weighted sum is minimized.",
            }
        ),
        "training": _annotated({**section(TrainingSettings), "default": {}}),
        "evaluation": _annotated({**section(EvaluationSettings), "default": {}}),
        "expected": {
            "type": "object",
            "additionalProperties": {"type": "number"},
            "default": {},
            "description": "Scores, and minutes, that you expect; printed beside the "
            "result, and never a reason to fail.",
        },
    }


def _slot(kind: Kind, components: Mapping[str, Mapping[str, Any]]) -> Schema:
    """The schema of a component of a kind: an object, a name or a short form."""
    types = ["object", "string"]
    if kind.plain or (kind.shorthand and kind.shorthand.json_type == "number"):
        types.append("number")
    bare = {
        name: found
        for name, found in components.items()
        if set(found.get("required", ())) <= {"type"}
    }
    return {
        "description": f"{kind.summary[0].upper()}{kind.summary[1:]}.",
        "type": types,
        "properties": {"type": _one_of(components)},
        "required": ["type"],
        "allOf": [
            *_short_forms(kind, components, bare),
            *(_variant(kind, name) for name in components),
        ],
        "defaultSnippets": [
            {
                "label": name,
                "description": found.get("description", ""),
                "body": _snippet(name, found),
            }
            for name, found in components.items()
        ],
    }


def _one_of(components: Mapping[str, Mapping[str, Any]]) -> Schema:
    # Some validators refuse an empty enum; this too allows nothing.
    if not components:
        return {"not": {}}
    return {
        "enum": list(components),
        "enumDescriptions": [
            each.get("description", "") for each in components.values()
        ],
    }


def _variant(kind: Kind, name: str) -> Schema:
    chosen = {
        "type": "object",
        "properties": {"type": {"const": name}},
        "required": ["type"],
    }
    pointer = name.replace("~", "~0").replace("/", "~1")
    return {"if": chosen, "then": {"$ref": f"#/$defs/{kind.name}.{pointer}"}}


def _short_forms(
    kind: Kind,
    components: Mapping[str, Mapping[str, Any]],
    bare: Mapping[str, Mapping[str, Any]],
) -> list[Schema]:
    """What a string and a number stand for in this slot."""
    names = _one_of(bare)
    short = kind.shorthand
    target = components.get(short.component) if short else None
    if short is None or target is None:
        return [{"if": {"type": "string"}, "then": names}]
    if short.json_type == "string":
        path = {"pattern": r"[/\\]|^[.~]"}
        return [{"if": {"type": "string"}, "then": {"anyOf": [names, path]}}]
    value = target["properties"][short.option]
    return [
        {"if": {"type": "string"}, "then": names},
        {
            "if": {"type": "number"},
            "then": {k: value[k] for k in value if k in _LIMITS},
        },
    ]


_LIMITS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})


def _snippet(name: str, found: Mapping[str, Any]) -> Schema:
    """The component with the settings that it cannot do without, for an editor."""
    required = [key for key in found.get("required", ()) if key != "type"]
    blanks = {key: f"${number}" for number, key in enumerate(required, start=1)}
    return {"type": name, **blanks}


def _annotated(schema: Mapping[str, Any]) -> Schema:
    """A schema whose texts suit editors, and whose references may carry a description.

    Draft-07 ignores what stands beside ``$ref``; inside ``allOf`` nothing is lost.
    """
    done: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            done[key] = {name: _annotated(each) for name, each in value.items()}
        elif key == "items":
            done[key] = _annotated(value)
        elif key == "$ref" and len(schema) > 1:
            done["allOf"] = [{"$ref": value}]
        elif key == "description":
            done[key] = value.replace("``", "`")
            if "`" in value:
                done.setdefault("markdownDescription", done[key])
        else:
            done[key] = value
    return done


def as_text(schema: Mapping[str, Any]) -> str:
    """The schema as the committed file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
