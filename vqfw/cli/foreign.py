"""Verbs that other packages add to the command line.

Their packages are imported only when verbs are listed or a verb is called that vqfw does
not have; so no package can slow down or break a verb of vqfw.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from importlib import metadata

import click

from vqfw.cli.talk import say


def foreign_verbs(own: Collection[str]) -> Mapping[str, click.Command]:
    """The verbs of all installed observers; a bad one is reported and left out.

    Args:
        own: names of the verbs of vqfw, which no other verb may have.
    """
    # Takes a tenth of the time of the registry, and --help must be quick.
    with suppress(Exception):  # the registry copes with metadata that cannot be read
        if not metadata.entry_points(group="vqfw"):
            return {}
    from vqfw.registry.hooks import observers

    claims: dict[str, list[tuple[str, click.Command]]] = {}
    for observer, command in observers().gather("vqfw_cli", click.Command):
        claims.setdefault(command.name or "", []).append((observer, command))
    found = {}
    for name, claimed in sorted(claims.items()):
        reason = _refusal(name, [observer for observer, _ in claimed], own)
        if reason is None:
            found[name] = claimed[0][1]
        else:
            say(f"left out: {reason}")
    return found


def _refusal(name: str, owners: list[str], own: Collection[str]) -> str | None:
    """The reason why a verb is left out; None if it is not."""
    who = " and ".join(f'observer "{owner}"' for owner in owners)
    if not name:
        return f"a verb of {who} has no name: give its click command one"
    if name in own:
        return f'verb "{name}" of {who}: vqfw has a verb of that name; rename it there'
    if len(owners) > 1:
        return f'verb "{name}" is claimed by {who}: uninstall one of them'
    return None
