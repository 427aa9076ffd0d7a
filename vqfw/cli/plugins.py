"""``vqfw plugins``: what an experiment can be made of, and what makes more of it."""

from __future__ import annotations

import textwrap
from importlib import import_module
from typing import TYPE_CHECKING

import click

from vqfw.cli.talk import hushed, json_option, print_json, say

if TYPE_CHECKING:
    from vqfw.experiment.components import Described, Option

# Subcommand: the file of this room that defines it.
_ELSEWHERE = {"check": "plugins_check", "hooks": "plugins_hooks", "new": "plugins_new"}


class _Subcommands(click.Group):
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
    """Every component and observer with owner, state and options; nothing is imported.

    The options of a component that nothing has named yet are not known: "?".
    """
    from vqfw import api

    with hushed():
        found = api.survey(kind, check)
    broken = [each for each in found if each.state == "broken"]
    if as_json:
        print_json({"components": [each.data() for each in found]})
    else:
        for each in found:
            click.echo("\n".join(_listed(each)))
    for each in broken:
        say(f"broken: {each.reason}")
    end = f"{len(broken)} broken" if check else "nothing was imported"
    say(f"{len(found)} components; {end}")
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
    click.echo(f'{entry.kind} "{found.write}"   {entry.owner}   {entry.target}\n')
    click.echo(found.text + "\n")
    for option in found.options or ():
        click.echo(_option(option))
    if found.example:
        click.echo(f"\nto paste into an experiment:\n\n{found.example}")


def _listed(found: Described) -> list[str]:
    entry = found.entry
    write = "" if found.write == entry.name else f'   write "{found.write}"'
    name = f"{entry.kind:<14} {entry.name:<26}"
    lines = [f"{name} {found.state:<7} {entry.owner}{write}", f"    {found.sentence}"]
    options = found.options
    if options is None:
        return [*lines, "    options: ?"]
    settings = ", ".join(map(_setting, options))
    return [
        *lines,
        *textwrap.wrap(settings, 84, initial_indent="    ", subsequent_indent="    "),
    ]


def _setting(option: Option) -> str:
    return (
        option.name if option.required else f"{option.name}={_written(option.default)}"
    )


def _option(option: Option) -> str:
    default = "required" if option.required else f"default {_written(option.default)}"
    meaning = textwrap.fill(
        option.meaning, 88, initial_indent="      ", subsequent_indent="      "
    )
    return f"  {option.name}: {option.type}, {default}\n{meaning}".rstrip()


def _written(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
