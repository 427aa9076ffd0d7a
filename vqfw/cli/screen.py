"""The help of a verb with verbs of its own: each with a whole sentence, however narrow."""

from __future__ import annotations

import click


class Screen(click.Group):
    """A group whose list of commands cuts no sentence."""

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        found = [
            (name, self.get_command(ctx, name)) for name in self.list_commands(ctx)
        ]
        rows = [
            (name, command.get_short_help_str(limit=500))
            for name, command in found
            if command is not None and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
