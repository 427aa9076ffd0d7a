"""The JSON Schema of the options of a component, read from its constructor.

Annotations carry type, unit and range, the docstring's ``Args:`` the meaning, defaults
the default. Nothing here knows the name of a component.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any, Literal, get_args, get_origin

from vqfw.errors import PluginError
from vqfw.kinds.catalog import KINDS, Kind
from vqfw.kinds.options import Marker, Slot, Supplied

Schema = dict[str, Any]

_MISSING: Any = inspect.Parameter.empty
_JSON_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a component's constructor.

    Args:
        name: the key in the file.
        schema: JSON Schema of its values, with description and default.
        slot: the kind of component that stands here; None for a plain value.
        many: whether a list of components stands here.
        copies: whether the constructor takes a function that makes copies of it.
        supplied: the name under which the engine supplies the value; None for options.
        required: whether the file must give it.
    """

    name: str
    schema: Schema
    slot: str | None = None
    many: bool = False
    copies: bool = False
    supplied: str | None = None
    required: bool = False


def parameters_of(component: type, kind: Kind | None = None) -> tuple[Parameter, ...]:
    """Reads the constructor of a component.

    Args:
        component: the class.
        kind: of the component, for the parameters that its kind hides.

    Raises:
        PluginError: if an annotation has no meaning in a JSON file.
    """
    signature = inspect.signature(component)
    hints = type_hints(component.__init__)  # type: ignore[misc]  # of this very class
    texts = descriptions(component)
    hidden = kind.hidden if kind else frozenset()
    skipped = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return tuple(
        _read(component, given, hints.get(given.name), texts.get(given.name, ""))
        for given in signature.parameters.values()
        if given.kind not in skipped and given.name not in hidden
    )


def fragment(component: type, kind: Kind, name: str) -> Schema:
    """The JSON Schema of one component in a slot of its kind: a closed object.

    Args:
        component: the class.
        kind: the kind of slot.
        name: the value of ``type``.
    """
    options = [p for p in parameters_of(component, kind) if p.supplied is None]
    properties: Schema = {"type": {"const": name}}
    properties |= {p.name: p.schema for p in options}
    properties |= {key: dict(value) for key, value in kind.engine_options.items()}
    return {
        "type": "object",
        "description": summary(component),
        "properties": properties,
        "required": ["type", *(p.name for p in options if p.required)],
        "additionalProperties": False,
    }


def section(settings: type) -> Schema:
    """The JSON Schema of a dataclass of settings: a closed object without ``type``."""
    options = parameters_of(settings)
    return {
        "type": "object",
        "description": summary(settings),
        "properties": {option.name: option.schema for option in options},
        "required": [option.name for option in options if option.required],
        "additionalProperties": False,
    }


def summary(documented: type) -> str:
    """The first sentence of a docstring, on one line."""
    paragraph = (inspect.getdoc(documented) or "").split("\n\n")[0]
    return " ".join(paragraph.split())


def descriptions(documented: type) -> dict[str, str]:
    """The texts of the ``Args:`` sections of a class and its constructor, by parameter."""
    texts: dict[str, str] = {}
    for source in (documented.__init__, documented):  # type: ignore[misc]  # of this class
        texts |= arguments_section(inspect.getdoc(source) or "")
    return texts


def arguments_section(docstring: str) -> dict[str, str]:
    """The texts of the ``Args:`` section of a docstring, by argument."""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)*)", docstring, re.MULTILINE)
    if not section:
        return {}
    texts: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(section[1]).splitlines():
        entry = re.match(r"`?(\w+)`?(?: \([^)]*\))?: *(.*)", line)
        if entry:
            name, text = entry.groups()
            texts[name] = text
        elif name:
            texts[name] = f"{texts[name]} {line.strip()}".strip()
    return texts


def type_hints(function: Any) -> dict[str, Any]:
    """The annotations of a function or class, evaluated, with their markers.

    Raises:
        NameError: if one has a name that its module does not import.
        TypeError: if one is no type.
    """
    function = inspect.unwrap(function)
    try:
        return typing.get_type_hints(function, include_extras=True)
    except TypeError:
        # A union needs parts that can be hashed, and a dict beside a type cannot be.
        names = getattr(function, "__globals__", {})
        scope = {name: _hashable(value) for name, value in names.items()}
        return typing.get_type_hints(function, scope, include_extras=True)


class _Annotated:
    """Stands for ``Annotated`` where a plugin writes a dict beside a type."""

    def __class_getitem__(cls, arguments: tuple[Any, ...]) -> Any:
        base, *extras = arguments
        hashable = (_Keywords(x) if isinstance(x, Mapping) else x for x in extras)
        return typing.Annotated[(base, *hashable)]


class _Keywords(dict[str, Any]):
    """A dict of JSON Schema keywords that can be hashed, by its identity."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # a dict has none


def _hashable(value: Any) -> Any:
    """A value of a module, without dicts in its annotations."""
    if value is typing.Annotated:
        return _Annotated
    if value is typing:
        return types.SimpleNamespace(**{**vars(typing), "Annotated": _Annotated})
    if get_origin(value) is typing.Annotated:
        return _Annotated.__class_getitem__(get_args(value))
    return value


def _union(hint: Any) -> tuple[Any, ...]:
    """The parts of a union of annotations; nothing for any other annotation."""
    if get_origin(hint) in (typing.Union, types.UnionType):
        return get_args(hint)
    return ()


def _read(
    component: type, given: inspect.Parameter, hint: Any, description: str
) -> Parameter:
    if given.name in KINDS and hint is None:
        # A class that we do not own cannot be annotated; its parameter is named like the
        # kind it takes, as Keras' ``learning_rate`` is.
        hint = typing.Annotated[Any, Slot(given.name)]
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, Supplied):
            return Parameter(given.name, {}, supplied=extra.name)
    try:
        schema = _schema(hint) if hint is not None else _guessed(given.default)
    except TypeError as error:
        raise PluginError(
            f"{component.__module__}.{component.__qualname__}: parameter "
            f'"{given.name}" {error}'
        ) from error
    slot, many = _slot_of(schema)
    if given.default is not _MISSING and "default" not in schema:
        default = given.default
        schema["default"] = list(default) if isinstance(default, tuple) else default
    if description:
        schema["description"] = description
    return Parameter(
        given.name,
        schema,
        slot=slot,
        many=many,
        copies=_makes_copies(hint),
        required="default" not in schema,
    )


def _slot_of(schema: Schema) -> tuple[str | None, bool]:
    """The kind of component that a schema refers to, and whether it is a list of them."""
    values = schema.get("then", schema)
    reference = values.get("items", values).get("$ref", "")
    return reference.removeprefix("#/$defs/") or None, "items" in values


def _makes_copies(hint: Any) -> bool:
    """Whether an annotation is ``Copies`` of something."""
    if get_origin(hint) is typing.Annotated:
        return _makes_copies(get_args(hint)[0])
    return get_origin(hint) is Callable or any(map(_makes_copies, _union(hint)))


def _schema(hint: Any) -> Schema:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        base, *extras = arguments
        marked = [extra for extra in extras if isinstance(extra, Slot)]
        schema = {"$ref": f"#/$defs/{marked[0].kind}"} if marked else _schema(base)
        for extra in extras:
            if isinstance(extra, Marker | Mapping):
                schema |= dict(extra.keywords if isinstance(extra, Marker) else extra)
        return schema
    if _union(hint):
        parts = [part for part in _union(hint) if part not in (None, type(None))]
        return _united(parts, nullable=len(parts) < len(_union(hint)))
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (tuple, list, Sequence):
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is Callable:
        return _schema(arguments[-1])
    if hint in _JSON_TYPES:
        return {"type": _JSON_TYPES[hint]}
    if origin in (dict, Mapping) or hint is dict:
        return {"type": "object"}
    if getattr(hint, "vqfw_kind", None) in KINDS:
        return {"$ref": f"#/$defs/{hint.vqfw_kind}"}
    if isinstance(hint, type) and is_dataclass(hint):
        return section(hint)
    raise TypeError(f"is annotated {hint!r}, which no JSON value can fill")


def _united(parts: list[Any], nullable: bool) -> Schema:
    if len(parts) != 1:
        names = [_schema(part).get("type") for part in parts]
        return {"type": [*names, "null"] if nullable else names}
    schema = _schema(parts[0])
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    # A slot that may stay empty: the reference holds for whatever is not null.
    return {"if": {"not": {"type": "null"}}, "then": schema}


def _guessed(default: Any) -> Schema:
    """The schema of a parameter without annotation, from its default."""
    if isinstance(default, bool):
        return {"type": "boolean"}
    if isinstance(default, int | float):
        return {"type": "number"}
    if isinstance(default, str):
        return {"type": "string"}
    if default is None:
        return {"type": ["number", "null"]}
    if default is _MISSING:
        return {"type": ["number", "array"], "items": {"type": "number"}}
    return {}
