"""``vqfw plugins``: what an experiment can be made of, and what makes more of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from vqfw.cli import talk
from vqfw.cli.screen import Screen
from vqfw.cli.talk import echo, hushed, json_option, print_json, say
from vqfw.terminal import Styled, columns, inline

if TYPE_CHECKING:
    from vqfw.authoring.components import ComponentDescription, Option

# Where nobody reads it in a terminal, no line is folded.
_WIDE = 400

# A terminal in which a kind is a heading, so that sentences have room beside names.
_NARROW = 80

# What is said of a component that has told nothing of itself.
_UNREAD = {"unread": "not read yet", "broken": "broken"}

# Subcommand: the file of this room that defines it.
_ELSEWHERE = {"check": "plugins_check", "hooks": "plugins_hooks", "new": "plugins_new"}


class _Subcommands(Screen):
    """Finds the commands that have their own file."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_ELSEWHERE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _ELSEWHERE:
            module = import_module(f"vqfw.cli.{_ELSEWHERE[cmd_name]}")
            return module.command  # type: ignore[no-any-return]  # each file has one
        return super().get_command(ctx, cmd_name)


@click.group("plugins", cls=_Subcommands)
def command() -> None:
    """List, show, check and begin components."""


@command.command("list")
@click.option("--kind", help="Only components of this kind.")
@click.option("--check", is_flag=True, help="Import each one; exit 3 if one is broken.")
@json_option
def list_components(kind: str | None, check: bool, as_json: bool) -> int:
    """Every component and observer with what it does; nothing is imported.

    What a component of another package does is known once an experiment has named it.
    Options are shown by: vqfw plugins show KIND/NAME
    """
    from vqfw import api

    with hushed():
        found = api.survey(kind, check)
    broken = [each for each in found if each.state == "broken"]
    if as_json:
        print_json({"components": [each.data() for each in found]})
    elif found:
        _show(found)
    for each in broken:
        say(f"broken: {each.reason}")
    end = f"{len(broken) or 'none'} broken" if check else "nothing was imported"
    say(f"{len(found)} components; {end}" if found else f"none installed; {end}")
    return 3 if check and broken else 0


@command.command("show")
@click.argument("name", metavar="KIND/NAME")
@json_option
def show(name: str, as_json: bool) -> None:
    """One component: what it does, its options, and a block to paste."""
    from vqfw import api

    with hushed():
        found = api.describe(name)
    if as_json:
        more = {"target": found.entry.target, "text": found.text}
        print_json({**found.data(), **more, "example": found.example})
        return
    entry = found.entry
    talk.show(f'{entry.kind} "{found.write}"   {entry.owner}   {entry.target}\n')
    talk.show(found.text + "\n")
    for option in found.options or ():
        talk.show(_option(option))
    if found.example:
        echo(f"\nto paste into an experiment:\n\n{found.example}")


def _show(found: Sequence[ComponentDescription]) -> None:
    """Prints a table: kind, what an experiment writes, what it does and whose it is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=columns(sys.stdout) or _WIDE, highlight=False)
    narrow = console.width < _NARROW
    table = Table.grid(padding=(0, 2, 0, 0))
    if not narrow:
        table.add_column(no_wrap=True)
    longest = max(len(each.write) for each in found)
    table.add_column(overflow="fold", no_wrap=longest <= console.width // 2)
    table.add_column(overflow="fold")
    above = ""
    for each in found:
        kind = each.entry.kind
        if narrow and kind != above:
            table.add_row(f"{kind}:")
        above = kind
        does = _UNREAD.get(each.state, each.sentence)
        owner = each.entry.owner
        if not owner.startswith("vqfw "):
            does += f" ({owner})"
        cells = [
            Text(inline(f"  {each.write}" if narrow else each.write)),
            Text(inline(does)),
        ]
        table.add_row(*([] if narrow else [kind]), *cells)
    with console.capture() as shown:
        console.print(table)
    echo(Styled("\n".join(line.rstrip() for line in shown.get().splitlines())))


def _option(option: Option) -> str:
    default = "required" if option.required else f"default {_written(option.default)}"
    return f"  {option.name}: {option.type}, {default}\n      {option.meaning}".rstrip()


def _written(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
