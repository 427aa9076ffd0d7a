"""A constructor is its own schema: what annotations, defaults and docstrings come to."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from packaging.version import Version

from vqfw.errors import PluginError
from vqfw.kinds.catalog import KINDS
from vqfw.kinds.options import (
    Copies,
    Count,
    Default,
    Format,
    Introduced,
    Length,
    Range,
    Seed,
    Share,
    Slot,
)
from vqfw.registry import fragment, parameters_of
from vqfw.registry.compatibility import own_version
from vqfw.registry.parameters import section
from vqfw.schema.loading import packaged


def schema_of(component: type, key: str = "a") -> dict[str, Any]:
    found = {each.name: each.schema for each in parameters_of(component)}[key]
    found.pop("default", None)
    return found


class Quantities:
    """First line.

    Second paragraph.

    Args:
        whole: How many,
            over two lines.
        share: ``0`` to 1.
    """

    def __init__(
        self,
        whole: Count,
        share: Share = 0.5,
        maybe: Count | None = None,
        either: int | str | None = None,
        word: Literal["a", "b"] = "a",
        words: Literal["a", "b"] | None = None,
        many: tuple[Count, ...] = (1, 2),
        bounded: Annotated[tuple[Count, ...], Length(minimum=1)] = (1,),
        more: Annotated[Count | None, Range(maximum=9)] = None,
        free: Mapping[str, Any] | None = None,
        seed: Seed = 0,
        **layer: Any,
    ) -> None: ...


def test_annotations_become_types_and_ranges() -> None:
    schemas = {each.name: each.schema for each in parameters_of(Quantities)}
    assert schemas == {
        "whole": {
            "type": "integer",
            "minimum": 1,
            "description": "How many, over two lines.",
        },
        "share": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "default": 0.5,
            "description": "``0`` to 1.",
        },
        "maybe": {"type": ["integer", "null"], "minimum": 1, "default": None},
        "either": {"type": ["integer", "string", "null"], "default": None},
        "word": {"enum": ["a", "b"], "default": "a"},
        "words": {"enum": ["a", "b", None], "default": None},
        "many": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1},
            "default": [1, 2],
        },
        "bounded": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1},
            "minItems": 1,
            "default": [1],
        },
        "more": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": 9,
            "default": None,
        },
        "free": {"type": ["object", "null"], "default": None},
        "seed": {},
    }


@pytest.mark.parametrize(
    ("marker", "keywords"),
    [
        (Range(minimum=1, maximum=9), {"minimum": 1, "maximum": 9}),
        (Range(above=0, below=1), {"exclusiveMinimum": 0, "exclusiveMaximum": 1}),
        (Range(multiple_of=2), {"multipleOf": 2}),
        (Length(minimum=1, maximum=3), {"minItems": 1, "maxItems": 3}),
        (Default(None), {"default": None}),
        (Default(("psnr", "ssim")), {"default": ["psnr", "ssim"]}),
        (Introduced("0.2"), {"introduced": "0.2"}),
        (Introduced("0.2", before=None), {"introduced": "0.2", "before": None}),
        (Format("data-path"), {"format": "data-path"}),
    ],
)
def test_a_marker_becomes_json_schema_keywords(marker: Any, keywords: Any) -> None:
    assert marker.keywords == keywords


def test_no_option_of_an_experiment_is_introduced_in_a_later_version() -> None:
    versions = re.findall(r'"introduced": "([^"]+)"', json.dumps(packaged()))
    assert versions
    assert all(Version(each) <= Version(own_version()) for each in versions)


Wide = Annotated[float, {"minimum": 0}]


def test_a_dict_of_keywords_is_accepted_in_place_of_a_marker() -> None:
    class Older:
        def __init__(
            self,
            a: Annotated[float, {"minimum": 0}] = 0.5,
            b: Annotated[float, {"minimum": 0}] | None = None,
            c: typing.Annotated[int, {"maximum": 9}] | None = None,
            d: Wide | None = None,
            e: Annotated[tuple[Wide, ...], {"minItems": 1}] = (1.0,),
        ) -> None: ...

    schemas = {each.name: each.schema for each in parameters_of(Older)}
    nullable = {"type": ["number", "null"], "minimum": 0, "default": None}
    assert schemas == {
        "a": {"type": "number", "minimum": 0, "default": 0.5},
        "b": nullable,
        "c": {"type": ["integer", "null"], "maximum": 9, "default": None},
        "d": nullable,
        "e": {
            "type": "array",
            "items": {"type": "number", "minimum": 0},
            "minItems": 1,
            "default": [1.0],
        },
    }


def test_a_supplied_parameter_is_no_option() -> None:
    found = fragment(Quantities, KINDS["loss"], "quantities")
    assert "seed" not in found["properties"]
    assert "layer" not in found["properties"]
    assert found["properties"]["type"] == {"const": "quantities"}
    assert found["required"] == ["type", "whole"]
    assert found["additionalProperties"] is False
    assert found["description"] == "First line."
    assert "weight" in found["properties"], "the kind's own options are added"


def test_a_dataclass_within_a_dataclass_is_a_closed_object() -> None:
    assert section(Outer)["properties"]["inner"] == {
        "type": ["object", "null"],
        "description": "An inner one.",
        "properties": {"a": {"type": "integer", "minimum": 1, "description": "One."}},
        "required": ["a"],
        "additionalProperties": False,
        "default": None,
    }


@dataclass(frozen=True)
class Inner:
    """Is within.

    Args:
        a: One.
    """

    a: Count


@dataclass(frozen=True)
class Outer:
    """Is around.

    Args:
        inner: An inner one.
    """

    inner: Inner | None = None


def test_a_slot_refers_to_its_kind() -> None:
    class Wrapper:
        def __init__(
            self,
            a: Annotated[Mapping[str, Any], Slot("quantizer")],
            b: Annotated[Any, Slot("beta"), Default(0.25)] = None,
        ) -> None: ...

    a, b = parameters_of(Wrapper)
    assert (a.slot, a.schema, a.required) == (
        "quantizer",
        {"$ref": "#/$defs/quantizer"},
        True,
    )
    assert b.schema == {"$ref": "#/$defs/beta", "default": 0.25}
    assert not b.required
    assert not a.copies
    assert not b.copies


def test_copies_of_a_component_are_a_slot() -> None:
    class Wrapper:
        def __init__(
            self,
            a: Copies[Annotated[Any, Slot("quantizer")]],
            b: Annotated[Copies[Annotated[Any, Slot("beta")]], Default(0.25)],
            c: Copies[Annotated[Any, Slot("beta")]] | None = None,
        ) -> None: ...

    a, b, c = parameters_of(Wrapper)
    assert (a.slot, a.schema) == ("quantizer", {"$ref": "#/$defs/quantizer"})
    assert (b.slot, b.schema["default"]) == ("beta", 0.25)
    assert c.slot == "beta"
    assert all(each.copies and not each.many for each in (a, b, c))


def test_an_annotation_without_a_json_type_is_refused() -> None:
    class Odd:
        def __init__(self, a: bytes) -> None: ...

    with pytest.raises(PluginError, match=r'Odd: parameter "a" is annotated .*bytes'):
        parameters_of(Odd)


@pytest.mark.parametrize(
    ("default", "schema"),
    [
        (True, {"type": "boolean"}),
        (1, {"type": "number"}),
        (0.5, {"type": "number"}),
        ("x", {"type": "string"}),
        (None, {"type": ["number", "null"]}),
    ],
)
def test_without_an_annotation_the_default_sets_the_type(
    default: Any, schema: dict[str, Any]
) -> None:
    class Foreign:
        def __init__(self, a=default): ...  # type: ignore[no-untyped-def]

    assert schema_of(Foreign) == schema
