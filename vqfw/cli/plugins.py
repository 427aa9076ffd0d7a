"""``vqfw plugins``: lists and shows components; checks and creates them in other files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from vqfw.cli import talk
from vqfw.cli.backend import hushed
from vqfw.cli.options import json_option
from vqfw.cli.screen import Screen
from vqfw.cli.talk import echo, print_json, say
from vqfw.terminal import inline

if TYPE_CHECKING:
    from rich.table import Table

    from vqfw.authoring.components import ComponentDescription, Option

# In a narrower terminal the kind is a heading, which leaves room for sentences.
_NARROW = 80

# State of a component whose docstring is not known, as shown.
_UNREAD = {"unread": "not read yet", "broken": "broken"}


@click.group("plugins", cls=Screen, lazy=("check", "hooks", "new"), prefix="plugins_")
def command() -> None:
    """List, show, check and create components."""


@command.command("list")
@click.option("--kind", help="Only components of this kind.")
@click.option("--check", is_flag=True, help="Import each one; exit 3 if one is broken.")
@json_option
def list_components(kind: str | None, check: bool, as_json: bool) -> int:
    """List components and observers, each in a sentence; nothing is imported.

    The sentence of another package's component is known once an experiment has used it.
    Options: vqfw plugins show KIND/NAME
    """
    from vqfw import api

    with hushed():
        components = api.survey(kind, check)
    broken = [each for each in components if each.state == "broken"]
    if as_json:
        print_json({"components": [each.data() for each in components]})
    elif components:
        talk.draw(lambda width: [_table(components, width)])
    for each in broken:
        say(f"broken: {each.reason}")
    end = f"{len(broken) or 'none'} broken" if check else "nothing was imported"
    say(
        f"{len(components)} components; {end}"
        if components
        else f"none installed; {end}"
    )
    return 3 if check and broken else 0


@command.command("show")
@click.argument("name", metavar="KIND/NAME")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show a component: what it does, its options, and a block to paste."""
    from vqfw import api

    with hushed():
        component = api.describe(name)
    entry, example = component.entry, component.example
    if as_json:
        more = {"target": entry.target, "text": component.text, "example": example}
        print_json({**component.data(), **more})
        return
    talk.show(f'{entry.kind} "{component.write}"   {entry.owner}   {entry.target}\n')
    talk.show(component.text + "\n")
    for option in component.options or ():
        talk.show(_option(option))
    if example:
        echo(f"\nto paste into an experiment:\n\n{example}")


def _table(components: Sequence[ComponentDescription], width: int) -> Table:
    """A table: kind, name in an experiment, sentence, owner."""
    from rich.table import Table
    from rich.text import Text

    narrow = width < _NARROW
    table = Table.grid(padding=(0, 2, 0, 0))
    if not narrow:
        table.add_column(no_wrap=True)
    longest = max(len(each.write) for each in components)
    table.add_column(overflow="fold", no_wrap=longest <= width // 2)
    table.add_column(overflow="fold")
    above = ""
    for each in components:
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
    return table


def _option(option: Option) -> str:
    value = json.dumps(option.default, ensure_ascii=False)
    default = "required" if option.required else f"default {value}"
    return f"  {option.name}: {option.type}, {default}\n      {option.meaning}".rstrip()
