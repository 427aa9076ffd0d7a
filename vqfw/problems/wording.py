"""The parts of messages: given values, allowed values and the value to write instead.

``findings.py`` decides which problem is reported.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Mapping
from typing import Any

from vqfw.errors import KeyPath, Place, dotted
from vqfw.kinds.catalog import article
from vqfw.schema.shape import Shape, type_of
from vqfw.suggestions import nearest_words
from vqfw.text.reader import scan
from vqfw.text.scalars import MAX_INTEGER
from vqfw.text.tree import Node

TYPE_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}
_NOTHING = ("none", "null", "nil", "off", "no", "false", "disabled")
_WITH_COMMA = re.compile(r"([+-]?[0-9]+),([0-9]+)")
LIMITS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


def accepted(shape: Shape, node: Node, known: Mapping[str, Any], path: KeyPath) -> str:
    """``quantizer "ema" (vqfw 0.1.0) accepts num_embeddings=512, ...``."""
    listed = []
    for key, each in known.items():
        if key in ("type", "$schema"):
            continue
        schema = each.schema if isinstance(each, Shape) else each
        has_default = "default" in schema and not isinstance(schema["default"], dict)
        listed.append(f"{key}={json.dumps(schema['default'])}" if has_default else key)
    if not listed:
        return ""
    options = shape.options(node) or {}
    provider = next((each.provider for each in options.values()), "")
    component = (
        f'{words(shape.kind)} "{type_of(node)}" ({provider})' if shape.kind else ""
    )
    owner = component or named(shape, path)
    return f"{owner} accepts {', '.join(listed)}"


def what_it_is(shape: Shape, node: Node, key: str) -> str:
    """The description of a missing key, as the end of its repair."""
    below = (shape.options(node) or {}).get(key)
    text = below.schema.get("description", "") if below else ""
    if below is not None and below.kind:
        return f", one of {', '.join(below.names)}"
    return f": {text[0].lower()}{text[1:].rstrip('.')}" if text else ""


def meant_value(value: Any, types: list[str], shape: Shape) -> Any:
    """The value that a string was probably meant to be; None if there is no telling.

    ``"0,25"`` is 0.25, and ``"l1,mse"`` in a list of losses is ``["mae", "mse"]``.
    """
    if not isinstance(value, str):
        return None
    digits = _WITH_COMMA.fullmatch(value.strip())
    if digits and "number" in types:
        return float(f"{digits[1]}.{digits[2]}")
    if digits and "integer" in types and len(digits[2]) == 3:
        return int(digits[1] + digits[2])
    items = _items(types, shape)
    if items is None:
        return None
    names = [nearest_words(part, items.names)[:1] for part in value.split(",")]
    return [name for (name,) in names] if all(names) else None


def type_help(value: Any, types: list[str], shape: Shape) -> str:
    """The repair of a value of the wrong type."""
    if isinstance(value, str):
        return unquoted(value, types, shape) or f"write {_types(types, shape)}"
    if isinstance(value, list) and len(value) == 1 and "array" not in types:
        return f"write it without the brackets: {short(value[0].plain())}"
    if isinstance(value, dict) and "array" in types:
        return "put it in square brackets: [{...}]"
    if isinstance(value, dict | list):
        return f"write {_types(types, shape)}"
    if "string" in types and not shape.kind and value is not None:
        return f'put it in quotes: "{short(value)}"'
    if "array" in types and value is not None:
        return f"put it in a list: [{short(value)}]"
    if "boolean" in types and value in (0, 1):
        return f"write {'true' if value else 'false'}"
    if isinstance(value, float) and "integer" in types and abs(value) > MAX_INTEGER:
        return f"stay within ±{MAX_INTEGER}"
    if isinstance(value, float) and "integer" in types:
        return f"write a whole number, such as {round(value)}"
    if value is None and "default" in shape.schema:
        return f"remove it to get the default, {short(shape.schema['default'])}"
    return f"write {_types(types, shape)}"


def means_nothing(word: str) -> bool:
    """Whether a word means null, such as ``None`` or ``off``.

    >>> means_nothing("None"), means_nothing("nine")
    (True, False)
    """
    return word.strip().casefold() in _NOTHING


def _items(types: list[str], shape: Shape) -> Shape | None:
    """The slot of each item, in a list of components."""
    items = shape.child(0, None) if "array" in types else None
    return items if items is not None and items.kind else None


def unquoted(text: str, types: list[str], shape: Shape) -> str:
    """The repair of a string in place of another type; empty if it cannot be told."""
    bare = {"None": "null", "True": "true", "False": "false"}.get(text, text.strip())
    value, mistakes = scan(bare, "")
    if value is None or mistakes:
        if means_nothing(text) and {"null", "array"} & {*types}:
            return "write null" if "null" in types else "write [] for none"
        if items := _items(types, shape):
            return f"write a list with one of {', '.join(items.names)}"
        return f"put it in a list: [{short(text)}]" if "array" in types and text else ""
    fits = any(_is_a(value.value, each) for each in types if each != "string")
    return f"remove the quotes: {bare[:60]}" if fits else ""


def _is_a(value: Any, json_type: str) -> bool:
    if isinstance(value, bool) or value is None:
        return json_type == ("null" if value is None else "boolean")
    return isinstance(value, _PYTHON_TYPES.get(json_type, ()))


def _types(types: list[str], shape: Shape) -> str:
    if shape.kind:
        names = ", ".join(shape.names) or "none is installed"
        number = "a number, " if "number" in types else ""
        return f'{number}a name or an object with "type": {names}'
    return " or ".join(TYPE_NAMES[each] for each in types)


def limits_of(schema: Mapping[str, Any]) -> tuple[str, str]:
    """The limits of a number, for the message and for the repair."""
    low, above, high, below = (schema.get(each) for each in LIMITS)
    if low is not None and high is not None:
        return f"from {low} to {high}", f"a number from {low} to {high}"
    if low is not None and below is not None:
        return f"from {low} to below {below}", f"a number from {low} to below {below}"
    parts = [
        f"{word} {bound}"
        for word, bound in (
            ("at least", low), ("above", above), ("at most", high), ("below", below)
        )
        if bound is not None
    ]  # fmt: skip
    what = " and ".join(parts)
    if len(parts) == 1 and low is not None:
        return what, f"{low} or more"
    if len(parts) == 1 and high is not None:
        return what, f"{high} or less"
    return what, f"a number {what}"


def multiples_of(schema: Mapping[str, Any], value: float) -> tuple[str, str]:
    """The step of a number, and its nearest allowed values."""
    from jsonschema import Draft202012Validator

    step = schema["multipleOf"]
    limits = Draft202012Validator({key: schema[key] for key in LIMITS if key in schema})
    below = math.floor(value / step)
    # Twelve digits: 3 * 0.1 has more than anybody writes.
    beside = [round(count * step, 12) for count in (below, below + 1)]
    allowed = [f"{each}" for each in beside if limits.is_valid(each)]
    what = f"a multiple of {step}"
    return what, " or ".join(allowed) or what


def named(shape: Shape, path: KeyPath) -> str:
    """The key of an object in quotes, or the kind of its file."""
    return called(path) if path else f"{article(shape.owner)} {shape.owner}"


def called(path: KeyPath) -> str:
    """The key and list index of a value in quotes: ``"losses[0]"``."""
    indices = ""
    for part in reversed(path):
        if isinstance(part, str):
            return f'"{part}{indices}"'
        indices = f"[{part}]{indices}"
    return "an experiment"


def described(shape: Shape) -> str:
    """The description of a setting."""
    return str(shape.schema.get("description", ""))


def given(value: Any) -> str:
    """A given value of the wrong type, in words."""
    if isinstance(value, str):
        return f"the string {short(value)}"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return short(value)


def short(value: Any) -> str:
    """A value as JSON, cut to 60 characters."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def words(kind: str) -> str:
    """A kind in words."""
    spoken = {"beta": "beta scheduler", "revival": "revival strategy"}
    return spoken.get(kind, kind.replace("_", " "))


def written(value: Any, path: KeyPath, place: Place) -> str:
    """The words of a repair: ``write 64``, or the ``--set`` argument with the new value."""
    text = json.dumps(value)
    if place.source.startswith("--set "):
        return f"--set {shlex.quote(f'{dotted(path)}={text}')}"
    return f"write {text}"
