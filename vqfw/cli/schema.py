"""``vqfw schema``: the JSON Schema of experiments, for editors."""

from __future__ import annotations

import click

from vqfw.cli.talk import echo, say


@click.command("schema")
@click.option(
    "--write",
    is_flag=True,
    help="Write it to schemas/experiment.schema.json instead.",
)
def command(write: bool) -> None:
    """Print the JSON Schema of experiment files, installed plugins included."""
    from vqfw import api

    if write:
        say(f"wrote {api.write_schema(say=say)}")
    else:
        echo(api.schema_text(say), nl=False)
