"""The reference of hooks, written from their specifications."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from vqfw.kinds.hooks import Hooks, ObservedRun
from vqfw.registry.hooks import HOOKS
from vqfw.registry.parameters import arguments_section

_HEAD = """\
# Hooks

Written by `vqfw plugins hooks` from `vqfw/kinds/hooks.py`.

An observer is a module or object that a package registers in the entry-point group `vqfw`,
with a function for each hook that it wants, marked with `@hook` of `vqfw.kinds.hooks` and
with any of the arguments below. `vqfw plugins new observer NAME` writes one with all of them.
"""


@dataclass(frozen=True)
class Argument:
    """One argument of a hook.

    Args:
        name: as an implementation writes it.
        type: as the specification annotates it.
        meaning: its description.
    """

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class HookDescription:
    """One hook.

    Args:
        name: of the function that implements it.
        arguments: an implementation may take any of them.
        text: its description.
        type: of its result.
        returns: its result; empty if that is ignored.
    """

    name: str
    arguments: tuple[Argument, ...]
    text: str
    type: str
    returns: str


def describe_hooks() -> tuple[HookDescription, ...]:
    """All hooks, in the order in which a run comes to them."""
    return tuple(_hook_description(name) for name in HOOKS)


def as_markdown(hooks: Sequence[HookDescription]) -> str:
    """The page about hooks."""
    return "\n".join([_HEAD, *map(_section, hooks), _the_run()])


def _hook_description(name: str) -> HookDescription:
    function = getattr(Hooks, name)
    doc = inspect.getdoc(function) or ""
    types, meanings = function.__annotations__, arguments_section(doc)
    arguments = (Argument(each, types[each], meanings[each]) for each in meanings)
    text = re.split(r"\n(?:Args|Returns):\n", doc)[0]
    returns = doc.partition("\nReturns:\n")[2]
    return HookDescription(
        name, tuple(arguments), text.strip(), types["return"], " ".join(returns.split())
    )


def _section(hook: HookDescription) -> str:
    arguments = ", ".join(each.name for each in hook.arguments)
    lines = [f"## `{hook.name}({arguments})`", "", hook.text, ""]
    for each in hook.arguments:
        lines += _item(f"- `{each.name}` (`{each.type}`): {each.meaning}")
    if hook.returns:
        lines += _item(f"- returns (`{hook.type}`): {hook.returns}")
    return "\n".join([*lines, ""]).replace("``", "`")


def _the_run() -> str:
    """The section about the argument ``run``."""
    lines = ["## What `run` has", ""]
    for name, found in vars(ObservedRun).items():
        if isinstance(found, property) and found.fget is not None:
            type_ = found.fget.__annotations__["return"]
            lines += _item(f"- `run.{name}` (`{type_}`): {found.__doc__}")
    return "\n".join([*lines, ""])


def _item(text: str) -> list[str]:
    return textwrap.wrap(text, 96, subsequent_indent="  ", break_long_words=False)
