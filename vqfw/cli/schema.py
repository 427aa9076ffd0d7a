"""``vqfw schema``: the JSON Schema of experiments, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from vqfw.cli.talk import say

TARGET = Path("schemas") / "experiment.schema.json"


@click.command("schema")
@click.option(
    "--write",
    is_flag=True,
    help="Write schemas/experiment.schema.json here, with installed plugins.",
)
def command(write: bool) -> None:
    """Print the JSON Schema of experiment files, with the installed plugins in it."""
    from vqfw.experiment import schema

    text = schema.as_text(schema.installed())
    if not write:
        click.echo(text, nl=False)
        return
    from vqfw.runs.files import write_whole

    if TARGET.resolve() == schema.packaged_path().resolve():
        raise click.UsageError(
            f"{TARGET} here is vqfw's own schema: run this in the folder of your "
            "experiments"
        )
    TARGET.parent.mkdir(exist_ok=True)
    write_whole(TARGET, text.encode())
    say(f"wrote {TARGET}")
