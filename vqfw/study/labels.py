"""The names of the rows of a study's table, and of its runs on disk."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any


def axis_names(paths: Sequence[str]) -> list[str]:
    """The last key of each path; the whole path where two have the same last key."""
    last = [path.rpartition(".")[2] for path in paths]
    return [
        path if last.count(name) > 1 else name
        for path, name in zip(paths, last, strict=True)
    ]


def value_labels(name: str, values: Sequence[Any]) -> list[str]:
    """A short label for each value of an axis, different from the others.

    >>> value_labels("beta", [0.25, "linear", None])
    ['beta=0.25', 'linear', 'no beta']
    >>> value_labels("quantizer", [{"type": "ema", "decay": 0.9}, "gradient"])
    ['ema', 'gradient']
    >>> value_labels("quantizer", [{"type": "ema", "decay": d} for d in (0.9, 0.99)])
    ['ema (decay=0.9)', 'ema (decay=0.99)']
    """
    if len(values) == 1:
        return [""]
    types = [_type(value) for value in values]
    return [
        _label(name, value, types.count(kind) > 1)
        for value, kind in zip(values, types, strict=True)
    ]


def _type(value: Any) -> Any:
    kind = value.get("type") if isinstance(value, Mapping) else value
    return kind if isinstance(kind, str) else None


def _label(name: str, value: Any, needs_options: bool) -> str:
    if value is None:
        return f"no {name}"
    kind = _type(value)
    if kind is None:
        return f"{name}={_text(value)}"
    if not needs_options or isinstance(value, str):
        return str(kind)
    given = [f"{key}={_text(each)}" for key, each in value.items() if key != "type"]
    return f"{kind} ({', '.join(given)})" if given else str(kind)


def slug(text: str, length: int) -> str:
    """The text as part of a file name."""
    bare = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")
    return re.sub(r"\.{2,}", ".", bare)[:length].rstrip("-.")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
