"""``vqfw plugins``: what an experiment can be made of."""

from __future__ import annotations

import click

from vqfw.cli.talk import json_option, print_json


@click.group("plugins")
def command() -> None:
    """List the components that are installed."""


@command.command("list")
@click.option("--kind", help="Only components of this kind.")
@json_option
def list_components(kind: str | None, as_json: bool) -> None:
    """Every component with its owner; nothing is imported."""
    from vqfw import api
    from vqfw.registry import index

    entries = api.components(kind)
    if as_json:
        rows = [
            {
                "kind": entry.kind,
                "name": entry.name,
                "write": index().spelling(entry),
                "distribution": entry.distribution,
                "version": entry.version,
            }
            for entry in entries
        ]
        print_json({"components": rows})
        return
    for entry in entries:
        spelling = index().spelling(entry)
        write = "" if spelling == entry.name else f'   write "{spelling}"'
        click.echo(f"{entry.kind:<14} {entry.name:<26} {entry.owner}{write}")
    click.echo(f"{len(entries)} components; nothing was imported", err=True)
