"""Parses ``--set path=value`` and sets the value in the tree of an experiment.

The problems found here are arguments that cannot be read and list items that do not
exist. Whether the value is valid is checked later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vqfw.errors import KeyPath, Place, Problem
from vqfw.problems.wording import short
from vqfw.schema.layers import default_of, merged, type_changed
from vqfw.schema.shape import Shape
from vqfw.text.reader import MAX_DEPTH, scan_with
from vqfw.text.scalars import NUMBERLIKE, meant
from vqfw.text.tree import Locate, Node

_STEP = re.compile(r"\[(\d{1,6})\]|(?:^|\.)(?:(\d{1,6})(?=[.\[]|$)|([^.\[\]=]+))")
_MEANT_AS_JSON = re.compile(
    r"\s*(?:[{\[\"']|(?:None|True|False|NaN|-?Infinity|nan|-?inf)\s*$)"
)
_JSON_CONTAINER = re.compile(r"\s*[{\[\"']")
# These say how a file is read, and a command line is none.
_OF_FILES = ("extends", "$schema")


@dataclass(frozen=True)
class Override:
    """One ``--set path=value``.

    Args:
        argument: how it was written, for messages.
        path: keys and indices.
        places: of each step of the path, in the argument.
        value: what to set.
        text: the same as it stands, for a setting that is a string; None where it can
            only be meant as JSON.
        problem: why the value cannot be read as anything else.
    """

    argument: str
    path: KeyPath
    places: tuple[Place, ...]
    value: Node
    text: Node | None = None
    problem: Problem | None = None


def parsed_override(argument: str) -> tuple[Override | None, list[Problem]]:
    """Reads one ``path=value``; the value is JSON, or else a bare string.

    Whether ``007`` or ``true`` is meant as a string is known where the setting is.
    """
    shown = f"--set {argument}"
    before = len(shown) - len(argument)

    def locate(start: int, stop: int) -> Place:
        length = max(1, stop - start)
        return Place(shown, 0, before + start + 1, length, shown)

    path_text, equals, value_text = argument.partition("=")
    if not equals:
        place = locate(0, len(argument))
        return None, [_unusable("the argument has no '='", place)]
    if not path_text:
        return None, [_unusable("the argument has no path before '='", locate(0, 1))]
    steps = _steps(path_text, locate)
    if steps is None:
        place = locate(0, len(path_text))
        return None, [_unusable(f"{short(path_text)} is not a valid path", place)]
    path = tuple(step for step, _ in steps)
    places = tuple(place for _, place in steps)
    if path[0] in _OF_FILES:
        message = f'"{path[0]}" can only be set in a file'
        return None, [_unusable(message, places[0], "write it there")]
    offset = len(path_text) + 1
    text = Node(value_text, locate(offset, offset + len(value_text)))
    value, problems = _override_value(
        value_text, lambda start, stop: locate(offset + start, offset + stop)
    )
    if value is None:
        found = [replace(problem, path=path) for problem in problems]
        if _JSON_CONTAINER.match(value_text):
            return None, found
        return Override(shown, path, places, text, text, found[0]), []
    scalar = not isinstance(value.value, dict | list | str)
    return Override(shown, path, places, value, text if scalar else None), []


def override_at(
    key: str, place: Place, value: Node
) -> tuple[Override | None, list[Problem]]:
    """The override that a member of another file says: ``"training.steps": 600``.

    Args:
        key: the path, as ``--set`` takes it.
        place: where the key stands.
        value: what to set.
    """
    steps = _steps(key, lambda start, stop: place) if key else None
    if steps is None:
        help_ = "write keys joined by dots, as in model.quantizer.decay"
        message = f'"{key}" is not a valid path'
        return None, [_unusable(message, place, help_, (key,))]
    path = tuple(step for step, _ in steps)
    if path[0] in _OF_FILES:
        help_ = "write it in the experiment file"
        return None, [_unusable(f'"{key}" cannot be varied', place, help_, (key,))]
    return Override(key, path, tuple(each for _, each in steps), value), []


def _steps(text: str, locate: Locate) -> list[tuple[str | int, Place]] | None:
    """The steps of a path with their places; None if the text is no path."""
    steps: list[tuple[str | int, Place]] = []
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if not step or text[0] in ".[" or len(steps) == MAX_DEPTH:
            return None
        index = step[1] or step[2]
        start = step.start() + step[0].startswith(".")
        # A path starts with a key, even if that looks like a number.
        part = int(index) if index and steps else index or step[3]
        steps.append((part, locate(start, step.end())))
        at = step.end()
    return steps


def _unusable(
    message: str,
    place: Place,
    help_: str = "write a path, '=' and a value: --set model.quantizer.decay=0.99",
    path: KeyPath = (),
) -> Problem:
    return Problem("invalid-override", message, path, help_, place=place)


def _override_value(text: str, locate: Locate) -> tuple[Node | None, list[Problem]]:
    value, problems = scan_with(text, locate)
    if value is not None and not problems:
        return value, []
    number = NUMBERLIKE.fullmatch(text.strip()) and (
        problems[0].code == "invalid-number" or meant(text.strip()) is not None
    )
    if number or _MEANT_AS_JSON.match(text):
        return None, problems
    return Node(text, locate(0, len(text))), []


def in_order(overrides: Sequence[Override]) -> list[Override]:
    """Shallow paths first, ``type`` first among equals; the last of equal paths wins.

    So the order of arguments does not matter: a setting given beside a new ``type`` is
    never dropped by it.
    """
    return sorted(overrides, key=lambda o: len(o.path) - (o.path[-1] == "type"))


def assigned(
    root: Node, override: Override, shape: Shape
) -> tuple[Node, Problem | None]:
    """Sets one value in a tree."""
    problems: list[Problem] = []
    result = _assigned(root, override, 0, shape, problems)
    return result, (problems[0] if problems else None)


def _assigned(
    node: Node,
    override: Override,
    done: int,
    shape: Shape | None,
    problems: list[Problem],
) -> Node:
    if done == len(override.path):
        value = override.value
        if override.text is not None and _takes_text(shape, value.value):
            value = override.text
        elif override.problem is not None:
            problems.append(override.problem)
            return node
        return merged(node, replace(value, key=override.places[done - 1]), shape)
    part = override.path[done]
    place = override.places[done]
    if shape is not None:
        node = shape.expanded(node)
    items_of_none = isinstance(part, int) and not isinstance(node.value, dict | list)
    if items_of_none or isinstance(node.value, list):
        if items_of_none or not isinstance(part, int) or part >= len(node.value):
            problems.append(_no_item(node, part, override, done, place))
            return node
        items = list(node.value)
        below = shape.child(part, node) if shape else None
        items[part] = _assigned(items[part], override, done + 1, below, problems)
        return replace(node, value=items)
    key = str(part)
    held = node.value if isinstance(node.value, dict) else {}
    below = shape.child(key, node) if shape else None
    child = held.get(key) or (below and default_of(below)) or Node({}, place)
    child = replace(child, key=child.key or place)
    fresh = _assigned(child, override, done + 1, below, problems)
    if key not in held and fresh is child:
        return node
    if key not in held:
        fresh = replace(fresh, replaced=None)
    if not isinstance(node.value, dict):
        return Node({key: fresh}, override.value.place, node.key or place, node)
    if key == "type" and type_changed(node, fresh, shape):
        return Node({"type": fresh}, fresh.place, node.key, node)
    return replace(node, value={**held, key: fresh})


def _takes_text(shape: Shape | None, value: Any) -> bool:
    """Whether a setting is a string, and a scalar of JSON is not what it takes too."""
    if shape is None or shape.kind is not None:
        return False
    if choices := shape.schema.get("enum"):
        return value not in choices and all(isinstance(each, str) for each in choices)
    if "string" not in shape.types:
        return False
    if value is None or isinstance(value, bool):
        return ("null" if value is None else "boolean") not in shape.types
    return not {"number", "integer"} & {*shape.types}


def _no_item(
    node: Node, part: str | int, override: Override, done: int, place: Place
) -> Problem:
    count = len(node.value) if isinstance(node.value, list) else None
    message, help_ = f"item {part} does not exist: ", "set the whole list"
    if count is None:
        message += "the value is not a list"
    elif not isinstance(part, int):
        message, help_ = f'"{part}" is not a list index', "give an index, such as [0]"
    elif not count:
        message += "the list is empty"
    elif count == 1:
        message, help_ = f"{message}the list has 1 item", "write [0]"
    else:
        message += f"the list has {count} items"
        help_ = f"write an index from 0 to {count - 1}, or set the whole list"
    return _unusable(message, place, help_, override.path[:done])


def as_override(path: str, value: Any) -> str:
    """The ``--set`` argument that says the same as a path and a Python value."""
    return f"{path}={json.dumps(value, ensure_ascii=False, default=plain_value)}"


def plain_value(value: Any) -> Any:
    """What JSON writes for values of NumPy and pathlib; for ``json.dumps``.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
