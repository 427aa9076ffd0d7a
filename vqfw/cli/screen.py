"""Help and suggestions of a verb that has verbs of its own."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from vqfw.suggestions import nearest_words

# Names of verbs in other tools: the verb of vqfw.
_MEANT = {
    "bench": "plan --measure",
    "check": "validate",
    "create": "init",
    "decode": "reconstruct",
    "describe": "show",
    "diff": "compare",
    "encode": "tokenize",
    "evaluate": "eval",
    "fit": "run",
    "grid": "study",
    "help": "--help",
    "info": "show",
    "ls": "list",
    "new": "init",
    "plugin": "plugins",
    "resume": "run --resume RUN",
    "score": "eval",
    "start": "run",
    "sweep": "study",
    "test": "eval",
    "train": "run",
    "training": "run",
    "version": "--version",
}


class Screen(click.Group):
    """A group that shows whole sentences in its help and suggests a verb for a wrong one.

    Args:
        lazy: verbs whose module is imported when they are used.
        prefix: of the names of these modules in ``vqfw.cli``.
        options: of ``click.Group``.
    """

    def __init__(
        self, *, lazy: Sequence[str] = (), prefix: str = "", **options: Any
    ) -> None:
        super().__init__(**options)
        self._lazy, self._prefix = lazy, prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *self._lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"vqfw.cli.{self._prefix}{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = [] if args[0].startswith("-") else self._meant(ctx, args[0])
            if not close:
                raise
            typed = " or ".join(f"{ctx.command_path} {each}" for each in close)
            message = f'unknown verb "{args[0]}": did you mean {typed}?'
            raise click.UsageError(message, ctx) from error

    def _meant(self, ctx: click.Context, word: str) -> list[str]:
        names = self.list_commands(ctx)
        other = _MEANT.get(word.lower(), "")
        if other and (other.startswith("-") or other.split()[0] in names):
            return [other]
        return nearest_words(word, names)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        commands = {
            name: self.get_command(ctx, name) for name in self.list_commands(ctx)
        }
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, command.get_short_help_str(limit=500))
                    for name, command in commands.items()
                    if command is not None and not command.hidden
                ]
            )
