"""Lays files and ``--set`` arguments over each other, and the defaults under them.

Objects are merged, everything else is replaced, and a changed ``type`` drops what was
said about the old one. Each value keeps its place, and what it took the place of. Whether
the result is right is not decided here, so nothing here fails on a wrong value.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vqfw.errors import Path as KeyPath
from vqfw.errors import Place, Problem
from vqfw.experiment.reader import MAX_BYTES, MAX_DEPTH, scan, scan_with
from vqfw.experiment.scalars import NUMBERLIKE, meant
from vqfw.experiment.shape import Shape, type_of
from vqfw.experiment.tree import Node, defaulted

# A chain this long is an accident; it also bounds what one file can make us open.
MAX_CHAIN = 16


@dataclass(frozen=True)
class Override:
    """One ``--set path=value``.

    Args:
        argument: how it was written, for messages.
        path: keys and indices.
        places: of each step of the path, in the argument.
        value: what to set.
    """

    argument: str
    path: KeyPath
    places: tuple[Place, ...]
    value: Node


# Files


@dataclass(frozen=True)
class Chain:
    """A file and all that it extends.

    Args:
        layers: the roots, the most basic file first.
        problems: of all files.
        files: the real path of each file by the name it has in messages; the file
            itself comes first.
        complete: whether every file could be read.
    """

    layers: tuple[Node, ...]
    problems: tuple[Problem, ...]
    files: Mapping[str, Path]
    complete: bool


def read_chain(path: Path | None, name: str, text: str) -> Chain:
    """Reads a file and all that it extends.

    Args:
        path: the file; None for a text that is in no file and can extend nothing.
        name: what to call it in messages.
        text: its content.
    """
    layers: list[Node] = []
    problems: list[Problem] = []
    files: dict[str, Path] = {}
    complete = False
    while True:
        files[name] = Path() if path is None else path.resolve()
        root, found = scan(text, name)
        problems += found
        if root is None:
            break
        if not isinstance(root.value, dict):
            problem = Problem("wrong-type", "an experiment must be an object")
            problems.append(replace(problem, help="write {...}", place=root.place))
            break
        layers.insert(0, root)
        base = root.value.get("extends")
        # One of a wrong type is for the schema to report.
        if base is None or not isinstance(base.value, str):
            complete = base is None
            break
        try:
            path, name, text = _base_of(path, name, base.value, files)
        except _Refused as refusal:
            problem = Problem("extends", refusal.message, ("extends",))
            problems.append(replace(problem, help=refusal.help, place=base.place))
            break
    return Chain(tuple(layers), tuple(problems), files, complete)


class _Refused(Exception):  # it becomes a problem with a place
    def __init__(self, message: str, help_: str) -> None:
        self.message = message
        self.help = help_


def _base_of(
    path: Path | None, name: str, base: str, files: Mapping[str, Path]
) -> tuple[Path, str, str]:
    """Finds and reads the file that another one extends."""
    inside = "write the path of a file in or below the folder of this one"
    if path is None:
        raise _Refused("what is in no file can extend none", "load a file instead")
    folder = path.resolve().parent
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\~]", base) or "\\" in base:
        raise _Refused(f'"{base}" is no path relative to this file', inside)
    target = _resolved(folder / base, base)
    if not target.is_relative_to(folder):
        raise _Refused(f'"{base}" leads out of the folder of this file', inside)
    if target == path.resolve():
        raise _Refused(f'"{base}" is this file itself', "remove it")
    if target in files.values():
        raise _Refused(f'"{base}" extends this file in turn', "remove one of the two")
    if len(files) >= MAX_CHAIN:
        raise _Refused(f"more than {MAX_CHAIN} files extend each other", "join some")
    try:
        if not stat.S_ISREG(target.stat().st_mode):
            raise _Refused(f'"{base}" is no regular file', inside)
        with target.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        near = nearby(folder / base)
        help_ = f'did you mean "{near[0]}"?' if near else inside
        reason = getattr(error, "strerror", None) or str(error)
        raise _Refused(f'"{base}" cannot be read ({reason})', help_) from error
    shown = str(Path(name).parent / base)
    text, problem = decoded(content, shown)
    if problem is not None:
        raise _Refused(f'"{base}": {problem.message}', problem.help)
    return target, shown, text


def _resolved(path: Path, base: str) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise _Refused(
            f'"{base}" is no path ({error})', "write a shorter one"
        ) from error


def decoded(content: bytes, source: str) -> tuple[str, Problem | None]:
    """The text of a file, or what hinders reading it as text."""
    if len(content) > MAX_BYTES:
        return "", scan(content, source)[1][0]
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        return "", scan(content, source)[1][0]


def nearby(path: Path) -> list[str]:
    """Names of JSON files in the same folder, the most similar first."""
    from difflib import get_close_matches

    try:
        names = sorted(each.name for each in path.parent.glob("*.json"))
    except OSError:
        return []
    return get_close_matches(path.name, names, n=3, cutoff=0.5)


# --set

_STEP = re.compile(r"\[(\d{1,6})\]|(?:^|\.)(?:(\d{1,6})(?=[.\[]|$)|([^.\[\]=]+))")


def parsed_override(argument: str) -> tuple[Override | None, list[Problem]]:
    """Reads one ``path=value``; the value is JSON, or else a bare string."""
    shown = f"--set {argument}"
    before = len(shown) - len(argument)

    def locate(start: int, stop: int) -> Place:
        length = max(1, stop - start)
        return Place(shown, 0, before + start + 1, length, shown)

    path_text, equals, value_text = argument.partition("=")
    if not equals:
        problem = _override_problem("there is no '='", locate(0, len(argument)))
        return None, [problem]
    steps: list[str | int] = []
    places: list[Place] = []
    at = 0
    while at < len(path_text):
        step = _STEP.match(path_text, at)
        if not step or path_text[0] == "." or len(steps) == MAX_DEPTH:
            message = f'"{path_text}" is no path'
            return None, [_override_problem(message, locate(0, len(path_text)))]
        index = step[1] or step[2]
        # A number after a dot is an index only inside a list; a path starts with a key.
        steps.append(int(index) if index and steps else (index or step[3]))
        start = step.start() + step[0].startswith(".")
        places.append(locate(start, step.end()))
        at = step.end()
    if not steps or not isinstance(steps[0], str):
        message = "there is no path before '='"
        return None, [_override_problem(message, locate(0, max(1, len(path_text))))]
    if steps[0] in ("extends", "$schema"):
        problem = Problem("set", f'"{steps[0]}" can only stand in a file')
        return None, [replace(problem, help="write it there", place=places[0])]
    offset = len(path_text) + 1
    value, problems = _override_value(
        value_text, lambda start, stop: locate(offset + start, offset + stop)
    )
    path = tuple(steps)
    if value is None or problems:
        return None, [replace(problem, path=path) for problem in problems]
    return Override(shown, path, tuple(places), value), []


def _override_problem(message: str, place: Place) -> Problem:
    help_ = "write a path, '=' and a value: --set model.quantizer.decay=0.99"
    return Problem("set", message, help=help_, place=place)


_MEANT_AS_JSON = re.compile(
    r"\s*(?:[{\[\"']|(?:None|True|False|NaN|-?Infinity|nan|-?inf)\s*$)"
)


def _override_value(
    text: str, locate: Callable[[int, int], Place]
) -> tuple[Node | None, list[Problem]]:
    value, problems = scan_with(text, locate)
    if value is not None and not problems:
        return value, []
    number = NUMBERLIKE.fullmatch(text.strip()) and (
        problems[0].code == "number" or meant(text.strip()) is not None
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
        return merged(node, replace(override.value, key=_key(override, done)), shape)
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
    child = held.get(key) or (below and _default(below)) or Node({}, place)
    child = replace(child, key=child.key or place)
    fresh = _assigned(child, override, done + 1, below, problems)
    if key not in held and fresh is child:
        return node
    if key not in held:
        fresh = replace(fresh, replaced=None)
    if not isinstance(node.value, dict):
        return Node({key: fresh}, override.value.place, node.key or place, node)
    if key == "type" and _type_changed(node, fresh, shape):
        return Node({"type": fresh}, fresh.place, node.key, node)
    return replace(node, value={**held, key: fresh})


def _key(override: Override, done: int) -> Place:
    return override.places[done - 1]


def _no_item(
    node: Node, part: str | int, override: Override, done: int, place: Place
) -> Problem:
    count = len(node.value) if isinstance(node.value, list) else None
    if count is None:
        message, help_ = (
            f"there is no list to take item {part} of",
            "set the whole list",
        )
    elif not isinstance(part, int):
        message, help_ = f'"{part}" is asked of a list', "give an index, such as [0]"
    elif count == 1:
        message, help_ = f"there is no item {part} in a list of one", "write [0]"
    elif count:
        message = f"there is no item {part} in a list of {count}"
        help_ = f"write an index from 0 to {count - 1}, or set the whole list"
    else:
        message, help_ = (
            f"there is no item {part} in an empty list",
            "set the whole list",
        )
    return Problem("set", message, override.path[:done], help=help_, place=place)


# Merging


def merged(base: Node, over: Node, shape: Shape | None) -> Node:
    """What holds when one value is laid over another at the same location."""
    if shape is not None:
        base, over = shape.expanded(base), shape.expanded(over)
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return replace(over, replaced=base)
    if "type" in over.value and _type_changed(base, over.value["type"], shape):
        return replace(over, replaced=base)
    members = dict(base.value)
    for key, node in over.value.items():
        if key in members:
            below = (
                shape.child(key, over if "type" in over.value else base)
                if shape
                else None
            )
            members[key] = merged(members[key], node, below)
        else:
            members[key] = node
    return Node(members, over.place, over.key or base.key, base.replaced)


def _type_changed(base: Node, fresh: Node, shape: Shape | None) -> bool:
    """Whether another component takes the place of the old one."""
    if shape is None or shape.kind is None:
        return False
    return type_of(base) is not None and bool(type_of(base) != fresh.value)


def layered(
    layers: Sequence[Node], overrides: Sequence[Override], shape: Shape
) -> tuple[Node, list[Problem]]:
    """All files and overrides in one tree, with every shorthand written out."""
    problems: list[Problem] = []
    tree = layers[0]
    for layer in layers[1:]:
        tree = merged(tree, layer, shape)
    for override in in_order(overrides):
        tree, problem = assigned(tree, override, shape)
        if problem is not None:
            problems.append(problem)
    return written_out(tree, shape), problems


def written_out(node: Node, shape: Shape | None) -> Node:
    """The same tree with every shorthand written out."""
    if shape is not None:
        node = shape.expanded(node)
    if isinstance(node.value, dict):
        options = (shape.options(node) if shape else None) or {}
        members = {
            key: written_out(each, options.get(key)) for key, each in node.value.items()
        }
        return replace(node, value=members)
    if isinstance(node.value, list):
        below = shape.child(0, node) if shape else None
        return replace(node, value=[written_out(each, below) for each in node.value])
    return node


# Defaults


def filled(node: Node, shape: Shape) -> Node:
    """The same tree with the defaults of everything that was not given.

    A given value that has a default knows that it replaced it. Shorthands are written
    out before.
    """
    if isinstance(node.value, list):
        below = shape.child(0, node)
        if below is None:
            return node
        items = [filled(each, below) for each in node.value]
        return replace(node, value=items)
    options = shape.options(node)
    if not isinstance(node.value, dict) or options is None:
        return _numeric(node, shape)
    members: dict[str, Node] = {}
    for key, below in options.items():
        default = _default(below)
        given = node.value.get(key)
        if given is None and default is None:
            continue
        if given is None:
            given = default
        elif default is not None:
            given = _over(default, given)
        assert given is not None
        members[key] = filled(given, below)
    unknown = {key: each for key, each in node.value.items() if key not in members}
    return replace(node, value={**members, **unknown})


def _over(default: Node, given: Node) -> Node:
    """The given value with the default below all that it replaced."""
    if given.place == default.place:
        return given
    below = default if given.replaced is None else _over(default, given.replaced)
    return replace(given, replaced=below)


def _default(shape: Shape) -> Node | None:
    if "default" not in shape.schema:
        return None
    place = Place(f"default of {shape.provider}", 0, 0, 0, "")
    return written_out(defaulted(shape.schema["default"], place), shape)


def _numeric(node: Node, shape: Shape) -> Node:
    """``64.0`` is a whole number to JSON Schema, and ``1`` any number: so they become."""
    value = node.value
    if isinstance(value, float) and "integer" in shape.types and value.is_integer():
        return replace(node, value=int(value))
    # Where a foreign constructor has a whole number as its default, it may want one.
    if shape.types == ("number",) and not isinstance(shape.schema.get("default"), int):
        exact = isinstance(value, int) and not isinstance(value, bool)
        return replace(node, value=float(value)) if exact else node
    return node


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
    raise TypeError(f"{type(value).__name__} is nothing that JSON can write")
