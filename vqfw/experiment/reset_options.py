"""Warns of options that a change of ``type`` resets to their defaults.

``model.quantizer.type=key_value`` drops the options of the former component, because
options of the same name need not mean the same. Where the new component has an option of
the same name and another default, the warning gives the ``--set`` that keeps the value.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence

from vqfw.errors import Problem, dotted
from vqfw.experiment.overrides import Override
from vqfw.problems.wording import short
from vqfw.schema.shape import type_of
from vqfw.text.tree import Node


def reset_problems(
    tree: Node, complete: Node, overrides: Sequence[Override]
) -> Iterator[Problem]:
    """Warnings for options that an override of a ``type`` reset to a default.

    Args:
        tree: the values that were given, all layers in one.
        complete: the same with the defaults.
        overrides: in any order; one that sets a whole component causes no warning.
    """
    retyped = {
        each.path[:-1]: each.places[-1]
        for each in overrides
        if each.path[-1:] == ("type",)
    }
    for path, place in retyped.items():
        given, depth = tree.down(path)
        settled, _ = complete.down(path)
        former = given.replaced if depth == len(path) else None
        if former is None or type_of(former) in (None, type_of(given)):
            continue
        for key, before in former.value.items():
            now = settled.value.get(key)
            if key in ("type", *given.value) or now is None:
                continue
            if now.plain() == before.plain():
                continue
            value = json.dumps(before.plain(), ensure_ascii=False)
            kept = shlex.quote(f"{dotted((*path, key))}={value}")
            yield Problem(
                "reset-to-default",
                f'"{key}" is reset from {short(before.plain())}, set for '
                f'"{type_of(former)}", to {short(now.plain())}, the default of '
                f'"{type_of(given)}"',
                (*path, "type"),
                help=f"to keep it: --set {kept}",
                place=place,
                severity="warning",
            )
