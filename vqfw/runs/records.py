"""The shapes of a run's records, checked when they are read.

A record may be damaged, or come from a stranger. Every value that vqfw reads from it has
the type that is expected; other values are not checked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import PureWindowsPath
from typing import Any, TypeAlias

Shape: TypeAlias = Callable[[Any, str], None]
"""Takes a value and its path, empty for the whole; raises ``ValueError`` on the first fault."""

# Numbers beyond it are exact in no float and overflow elsewhere.
_LARGEST = 1 << 53
_MOST_THREADS = 4096
_CHECKSUM = re.compile(r"[0-9a-f]{64}\Z")


def number(value: Any, at: str) -> None:
    """A finite number."""
    fine = isinstance(value, int | float) and not isinstance(value, bool)
    # isfinite comes last: a whole number may be too large for a float.
    if not fine or abs(value) > _LARGEST or not math.isfinite(value):
        raise _wrong(value, at, "a number")


def text(value: Any, at: str) -> None:
    """A text."""
    if not isinstance(value, str):
        raise _wrong(value, at, "a text")


def checksum(value: Any, at: str) -> None:
    """A SHA-256 in hexadecimal digits; other text could be taken for a path."""
    if not isinstance(value, str) or not _CHECKSUM.match(value):
        raise _wrong(value, at, "64 hexadecimal digits")


def whole(low: int, high: int = _LARGEST) -> Shape:
    """A whole number of a range."""

    def shape(value: Any, at: str) -> None:
        number(value, at)
        if not isinstance(value, int) or not low <= value <= high:
            raise _wrong(value, at, f"a whole number from {low} to {high}")

    return shape


def one_of(*allowed: str) -> Shape:
    """One of the allowed texts."""

    def shape(value: Any, at: str) -> None:
        if value not in allowed:
            raise _wrong(value, at, " or ".join(f'"{each}"' for each in allowed))

    return shape


def maybe(inner: Shape) -> Shape:
    """Null, or something of a shape."""

    def shape(value: Any, at: str) -> None:
        if value is not None:
            inner(value, at)

    return shape


def list_of(inner: Shape, length: int | None = None) -> Shape:
    """A list whose items are of a shape."""

    def shape(value: Any, at: str) -> None:
        if not isinstance(value, list) or length not in (None, len(value)):
            raise _wrong(value, at, f"a list of {length}" if length else "a list")
        for position, each in enumerate(value):
            inner(each, f"{at}[{position}]")

    return shape


def map_of(inner: Shape) -> Shape:
    """An object with any keys, and values of a shape."""

    def shape(value: Any, at: str) -> None:
        if not isinstance(value, Mapping):
            raise _wrong(value, at, "an object")
        for key, each in value.items():
            inner(each, _below(at, key))

    return shape


def having(
    required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None
) -> Shape:
    """An object with keys of known shapes; further keys may be there."""
    known = {**required, **(optional or {})}

    def shape(value: Any, at: str) -> None:
        if not isinstance(value, Mapping):
            raise _wrong(value, at, "an object")
        for key, inner in known.items():
            if key in value:
                inner(value[key], _below(at, key))
            elif key in required:
                raise ValueError(f'"{_below(at, key)}" is missing')

    return shape


def _score(value: Any, at: str) -> None:
    """A metric, a bare number such as the count of images, or a crop of ``none``."""
    if value != "none" or not at.endswith(".crop"):
        (metric if isinstance(value, Mapping) else number)(value, at)


def absolute_path(value: Any, at: str) -> None:
    """An absolute path of a file, as Windows or another system writes it."""
    text(value, at)
    windows = PureWindowsPath(value)
    if not windows.name or not (value.startswith("/") or windows.is_absolute()):
        raise _wrong(value, at, "the absolute path of a file")


metric = having(
    {"value": maybe(number)},
    {
        "interval": maybe(list_of(number, 2)),
        "unit": maybe(text),
        "better": maybe(text),
    },
)
_component = having({"type": text})

SCORES = map_of(map_of(_score))
TRAINING = having(
    {"steps": whole(0)},
    {
        "seconds": maybe(number),
        "images_per_second": maybe(number),
        "revival": maybe(map_of(number)),
    },
)
ENVIRONMENT = having(
    {
        "threads": whole(1, _MOST_THREADS),
        "precision": one_of("float32", "mixed_bfloat16", "mixed_float16"),
    },
    {
        "dataset_path": maybe(text),
        "split_by": one_of("auto", "group", "image"),
        "plugin_files": list_of(having({"path": absolute_path, "sha256": checksum})),
        "versions": map_of(text),
        "git": maybe(having({"commit": text}, {"changed_files": whole(0)})),
        "data_fingerprint": maybe(text),
        "devices": list_of(text),
    },
)
RESOLVED = having(
    {
        "name": text,
        "model": _component,
        "data": having({"image_size": whole(1)}),
        "training": having({"batch_size": whole(1)}, {"trackers": list_of(_component)}),
    },
    {
        "losses": list_of(_component),
        "evaluation": having({}, {"metrics": list_of(_component)}),
        "expected": map_of(maybe(number)),
    },
)
ORIGINS = map_of(text)
FAILURE = map_of(text)


def _below(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def _wrong(value: Any, at: str, needed: str) -> ValueError:
    if isinstance(value, Mapping | list):
        shown = "an object" if isinstance(value, Mapping) else "a list"
    elif isinstance(value, int) and not isinstance(value, bool):
        shown = f"{value}" if abs(value) <= _LARGEST else "a huge number"
    else:
        shown = f"{value!r:.40}"
    place = f'"{at}" is' if at else "it is"
    return ValueError(f"{place} {shown} and must be {needed}")
