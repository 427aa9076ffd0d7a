"""``vqfw plugins new``: writes a package with one component or observer."""

from __future__ import annotations

import shlex

import click

from vqfw.cli.talk import echo, say


@click.command("new")
@click.argument("kind")
@click.argument("name")
@click.option(
    "-o",
    "folder",
    type=click.Path(),
    metavar="FOLDER",
    help="Folder to write. Default: vqfw-NAME in the working folder.",
)
def command(kind: str, name: str, folder: str | None) -> None:
    """Write a package with a component NAME of a KIND: code, test, README.

    It can be installed, passes its test, and works in experiments as it is. KIND may also
    be image_augmentation (an augmentation of PIL pictures) or observer (all hooks).
    """
    from vqfw import api

    written = api.new_plugin(kind, name, folder)
    folder = shlex.quote(str(written))
    say(f"wrote {written}; install it: pip install -e {folder}")
    say(f"check it, installed or not: vqfw plugins check {folder}")
    echo(str(written))
