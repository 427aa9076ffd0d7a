"""The JSON Schema of a study file, for the check and for editors.

The settings in ``arms`` and ``vary`` are checked by the schema of experiments, once they are
applied to one. ``python -m vqfw.study.schema`` prints it.
"""

from __future__ import annotations

from typing import Any

from vqfw.schema.document import NAME_PATTERN, as_text

MAX_VALUES = 1000


def _text(description: str, **keywords: Any) -> dict[str, Any]:
    return {"type": "string", **keywords, "description": description}


def _object(description: str, **keywords: Any) -> dict[str, Any]:
    return {"type": "object", "default": {}, "description": description, **keywords}


_COLUMNS = {
    "type": "array",
    "items": {"type": "string"},
    "description": "Columns to show, in order, by their names in table.json: metrics, "
    "bits_per_image, revived_in_use, steps, images_per_second, minutes; all if absent.",
}
_PROPERTIES = {
    "$schema": _text("This schema, for editors; vqfw ignores it."),
    "name": _text(
        "Lower-case name of the study, of its folder and of its runs.",
        pattern=NAME_PATTERN,
    ),
    "description": _text("Subject of the comparison.", default=""),
    "notes": _object("Any notes of yours; vqfw ignores them."),
    "experiment": _text(
        "The experiment that every run changes: a file in or below this file's folder."
    ),
    "arms": _object(
        "Variants to compare: a name for each, with its settings by path, as in "
        '{"no revival": {"model.revival": null}}.',
        additionalProperties={"type": "object"},
    ),
    "vary": _object(
        "Values for a path, each combined with each and with each arm, as in "
        '{"training.steps": [500, 1000], "seed": [0, 1, 2]}. Seeds are repetitions: '
        "they share a row of the table.",
        additionalProperties={
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_VALUES,
        },
    ),
    "expected": _object(
        "Mean scores that you expect, by row of the table; printed beside the result, "
        "and never a reason to fail.",
        additionalProperties={
            "type": "object",
            "additionalProperties": {"type": "number"},
        },
    ),
    "table": _object(
        "Layout of the table that vqfw study FILE --table writes into pages.",
        additionalProperties=False,
        properties={
            "title": _text("Of the first column; the name of the study if absent."),
            "columns": _COLUMNS,
        },
    ),
}


def study_schema() -> dict[str, Any]:
    """The whole schema, in keywords that mean the same in draft-07 and 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vqfw study",
        "description": "Many runs of one experiment, and the table that they fill.",
        "allowComments": True,
        "allowTrailingCommas": True,
        "type": "object",
        "properties": _PROPERTIES,
        "required": ["name", "experiment"],
        "additionalProperties": False,
        "$defs": {},
    }


if __name__ == "__main__":
    print(as_text(study_schema()), end="")
