"""``vqfw plugins check``: runs the checks of a kind on components."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vqfw.cli.backend import hushed, start_backend, use_plugins
from vqfw.cli.options import json_option
from vqfw.cli.talk import echo, print_json, say
from vqfw.errors import UsageError, VqfwError

if TYPE_CHECKING:
    from vqfw.registry import Entry
    from vqfw.testing.component import Outcome


@click.command("check")
@click.argument("subject", metavar="KIND/NAME|FILE|FOLDER")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set an option of the component, as in num_embeddings=16. May be repeated.",
)
@json_option
def command(subject: str, settings: tuple[str, ...], as_json: bool) -> int:
    """Check that a component, or each one of a file or package, keeps its kind's contract.

    FOLDER is a package, as vqfw plugins new writes it; it need not be installed. A failed
    check is printed with its meaning and the usual repair, and the exit code is 1. Small
    sizes are quickest.
    """
    entries = _entries(subject)
    start_backend(None)
    from vqfw.testing.component import factory_of, outcomes

    asked = _settings(entries, settings)
    for entry in entries:  # a wrong setting is an error before any check runs
        factory_of(entry, asked[entry])
    results: list[dict[str, Any]] = []
    for entry in entries:
        if not as_json:
            echo(f'{entry.kind} "{entry.name}"   {entry.owner}')
        for outcome in outcomes(entry, asked[entry]):
            component = {"kind": entry.kind, "name": entry.name}
            results.append({**component, **vars(outcome)})
            if not as_json:
                _show(outcome)
    failed = sum(each["complaint"] is not None for each in results)
    if as_json:
        print_json({"checks": results, "failed": failed})
    ran = sum(each["skipped"] is None for each in results)
    say(f"{ran} checks; {failed or 'none'} failed")
    return 1 if failed else 0


def _entries(subject: str) -> tuple[Entry, ...]:
    from vqfw.testing import kinds

    every = _chosen(subject)
    entries = tuple(entry for entry in every if entry.kind in kinds())
    if not entries:
        raise UsageError(
            f'there are no checks for kind "{every[0].kind}": there are for '
            f"{', '.join(kinds())}"
        )
    return entries


def _chosen(subject: str) -> tuple[Entry, ...]:
    """The components of a file or folder, or one by its name."""
    from vqfw import api
    from vqfw.authoring.components import find_component
    from vqfw.registry import load_folder

    path = Path(os.path.expanduser(subject))
    if path.name == "pyproject.toml":
        path = path.parent
    elif subject.endswith(".py") or path.is_file():
        use_plugins([subject], say)
        return api.use_plugin(subject)
    try:
        return (find_component(subject),)
    except VqfwError:
        if path.is_dir():
            with hushed():
                return load_folder(path)
        if subject.startswith((".", "/", "~")):
            raise UsageError(f"there is no file or folder {subject}") from None
        raise


def _settings(
    entries: tuple[Entry, ...], settings: tuple[str, ...]
) -> dict[Entry, list[str]]:
    """The settings of each component: those that it has options for, and unknown ones."""
    from vqfw.authoring.components import describe_component

    if len(entries) == 1:
        return {entries[0]: list(settings)}
    options = {
        entry: {option.name for option in describe_component(entry).options or ()}
        for entry in entries
    }
    known = set().union(*options.values())
    keys = [setting.partition("=")[0].partition(".")[0] for setting in settings]
    return {
        entry: [
            setting
            for setting, key in zip(settings, keys, strict=True)
            if key in options[entry] or key not in known
        ]
        for entry in entries
    }


def _show(outcome: Outcome) -> None:
    name = outcome.check
    if outcome.complaint is not None:
        echo(f"  FAILED  {name}: {outcome.promise}\n          {outcome.complaint}")
    elif outcome.skipped is not None:
        echo(f"  -       {name}: {outcome.skipped}")
    else:
        echo(f"  ok      {name}")
