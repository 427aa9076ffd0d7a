"""Checks the methods and attributes of a class against its contract; calls nothing.

The contracts of ``vqfw.kinds`` say it themselves: by abstract methods, and by annotations
with a type and a range. ``vqfw.testing`` checks what the methods return.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from vqfw.registry.parameters import type_hints

_ROOM = "vqfw.kinds."
_ABSENT: Any = object()


def unwritten(component: type) -> tuple[str, ...]:
    """The methods and properties that a class lacks, sorted.

    Python lets an unfinished Keras layer be made, so what is marked abstract is looked up
    here, and ``call`` where no class has written one.
    """
    owed = {name for name in dir(component) if _is_abstract(component, name)}
    contracts = [b for b in component.__mro__ if b.__module__.startswith(_ROOM)]
    if any(hasattr(base, "call") for base in contracts):
        call = inspect.getattr_static(component, "call")
        if getattr(call, "__module__", "").startswith(("keras.", _ROOM)):
            owed.add("call")
    return tuple(sorted(owed))


def owed(component: type) -> str:
    """What to write into a class that is not finished; empty where it is."""
    names = unwritten(component)
    if not names:
        return ""
    static = {name: inspect.getattr_static(component, name) for name in names}
    properties = [name for name in names if isinstance(static[name], property)]
    methods = [f"{name}()" for name in names if name not in properties]
    lacks = f"class {component.__name__} of kind {component.vqfw_kind} lacks"  # type: ignore[attr-defined]  # it has a contract
    repairs = []
    if methods:
        repairs.append(f"{lacks} {' and '.join(methods)}: write it")
    if properties:
        repairs.append(
            f"{lacks} {' and '.join(properties)}: set it in the body of the class, as in "
            f"{properties[0]} = ..., or write a property; in __init__ it comes too late"
        )
    return "; ".join(repairs)


def wrong_attribute(component: Any) -> str:
    """Names the first attribute of an instance that its contract does not allow, and why.

    Returns:
        An empty text where all are allowed.
    """
    own = type(component).__name__
    for name, hint in _attributes(type(component)):
        value = getattr(component, name, _ABSENT)
        if value is _ABSENT:
            fact = "is missing: set it in the constructor, to"
        elif not _fits(value, hint):
            fact = f"is {value!r}, which is not allowed: set it to"
        else:
            continue
        return f'"{name}" of {own} {fact} {_words(hint)}'
    return ""


def _is_abstract(component: type, name: str) -> bool:
    found = inspect.getattr_static(component, name, None)
    return bool(getattr(found, "__isabstractmethod__", False))


def _attributes(component: type) -> Iterator[tuple[str, Any]]:
    """The attributes that the contracts of a class promise, with their types."""
    for base in component.__mro__:
        if not base.__module__.startswith(_ROOM):
            continue
        # Without its bases: those of a layer are Keras' and the backend's own classes.
        own = {"__annotations__": inspect.get_annotations(base)}
        hints = type_hints(type("Own", (), {"__module__": base.__module__, **own}))
        for name, value in vars(base).items():
            if isinstance(value, property) and value.fget and _is_abstract(base, name):
                hints[name] = type_hints(value.fget).get("return")
        for name, hint in hints.items():
            if _is_plain(bare := _bare(hint)):
                yield name, bare


def _bare(hint: Any) -> Any:
    """An annotation without ``ClassVar``."""
    return get_args(hint)[0] if get_origin(hint) is ClassVar else hint


def _is_plain(hint: Any) -> bool:
    """Whether an annotation is of plain values, or of a tuple of them."""
    while get_origin(hint) in (Annotated, tuple):
        hint = get_args(hint)[0]
    return hint in (bool, int, float, str) or get_origin(hint) is Literal


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        least = arguments[1].minimum
        return _fits(value, arguments[0]) and (least is None or value >= least)
    if origin is Literal:
        return any(value == each and type(value) is type(each) for each in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(x, arguments[0]) for x in value)
    if isinstance(value, bool) or hint is bool:
        return hint is bool and isinstance(value, bool)
    return isinstance(value, {int: Integral, float: Real}.get(hint, hint))


def _words(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return f"{_words(arguments[0])} ≥ {arguments[1].minimum}"
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if origin is tuple:
        return f"a tuple of {_words(arguments[0])}"
    return str(hint.__name__)
