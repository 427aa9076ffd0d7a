"""What a check is: a named function that takes a factory and complains in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Factory: TypeAlias = Callable[..., Any]
"""Makes a fresh component at every call; what it is called with, the kind's file says."""
Check: TypeAlias = Callable[[Factory], "str | None"]
"""Raises ``AssertionError`` with what is wrong and how it is usually mended.

It returns why it had nothing to look at, or None where it looked.
"""


def require(fact: object, complaint: str) -> None:
    """Raises ``AssertionError(complaint)`` unless the fact holds; ``-O`` keeps it."""
    if not fact:
        raise AssertionError(complaint)
