"""Settings that went back to their defaults because another type took over beside them.

``model.quantizer.type=key_value`` looks like a change of one key, and drops what was said
about the component before it: its options need not mean the same to the new one. Where one
of them exists there too, with another default, a person may have meant to keep it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence

from vqfw.errors import KeyPath, Place, Problem
from vqfw.experiment.overrides import Override
from vqfw.problems.wording import short
from vqfw.schema.shape import type_of
from vqfw.text.tree import Node


def fallen_options(
    tree: Node, complete: Node, overrides: Sequence[Override]
) -> Iterator[Problem]:
    """Warns of options that an override of a ``type`` alone took back to a default.

    Args:
        tree: what was given, all layers in one.
        complete: the same with the defaults.
        overrides: in any order; who replaces a whole component is not warned.
    """
    retyped = {
        each.path[:-1]: each.places[-1]
        for each in overrides
        if each.path[-1:] == ("type",)
    }
    for path, place in retyped.items():
        given, left = tree.down(path)
        settled, _ = complete.down(path)
        if left == len(path):
            yield from _fallen(given, settled, path, place)


def _fallen(
    given: Node, settled: Node, path: KeyPath, place: Place
) -> Iterator[Problem]:
    was = given.replaced
    if was is None or type_of(was) in (None, type_of(given)):
        return
    for key, before in was.value.items():
        now = settled.value.get(key)
        if key in ("type", *given.value) or now is None:
            continue
        if now.plain() != before.plain():
            dotted = ".".join(map(str, (*path, key)))
            value = json.dumps(before.plain(), ensure_ascii=False)
            kept = shlex.quote(f"{dotted}={value}")
            yield Problem(
                "reset-to-default",
                f'"{key}" is reset from {short(before.plain())}, set for '
                f'"{type_of(was)}", to {short(now.plain())}, the default of '
                f'"{type_of(given)}"',
                (*path, "type"),
                help=f"to keep it: --set {kept}",
                place=place,
                severity="warning",
            )
