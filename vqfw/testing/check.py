"""A check: a named function that takes a factory and complains in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

Factory: TypeAlias = Callable[..., Any]
"""Makes a fresh component at every call; the module of each kind names its arguments."""
Check: TypeAlias = Callable[[Factory], "str | None"]
"""Raises ``AssertionError`` with a fault and its usual repair.

It returns why it does not apply, or None.
"""


def require(fact: object, complaint: str) -> None:
    """Raises ``AssertionError(complaint)`` unless the fact holds; ``-O`` keeps it."""
    if not fact:
        raise AssertionError(complaint)


def checks_in(module: Mapping[str, Any]) -> tuple[Check, ...]:
    """The public functions of ``(factory)`` that a module defines, in their order.

    Args:
        module: its ``globals()`` after the last check.
    """
    return tuple(
        value
        for name, value in module.items()
        if isinstance(value, FunctionType)
        and value.__module__ == module["__name__"]
        and not name.startswith("_")
        and value.__code__.co_varnames[: value.__code__.co_argcount] == ("factory",)
    )


@contextmanager
def explained(failure: str, repair: str) -> Iterator[None]:
    """Raises ``AssertionError`` with the failure, its cause and its repair on any exception."""
    try:
        yield
    except Exception as error:
        raise AssertionError(
            f"{failure} ({type(error).__name__}: {error}): {repair}"
        ) from error


def require_repeatable(
    factory: Factory, use: Callable[[Any, int], Sequence[ArrayLike]], complaint: str
) -> None:
    """Requires equal results of equal generators, in one component and in the next.

    Args:
        factory: of the component.
        use: from a component and the seed of its generator to arrays.
        complaint: about results that differ.
    """
    component = factory()
    first, again = use(component, 0), use(component, 0)
    use(component, 1)
    for result in (again, use(component, 0), use(factory(), 0)):
        equal = [np.array_equal(a, b) for a, b in zip(first, result, strict=True)]
        require(all(equal), complaint)
