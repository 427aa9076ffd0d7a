"""The words of an unknown component: what it was meant to be, and why it is unknown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from vqfw.errors import KeyPath, Place, PluginError, Problem
from vqfw.kinds.catalog import KINDS, article
from vqfw.problems.wording import (
    means_nothing,
    meant_value,
    short,
    unquoted,
    words,
    written,
)
from vqfw.registry.entries import index
from vqfw.schema.shape import Shape
from vqfw.suggestions import alternatives, did_you_mean, nearly_equal


def unknown_name(
    name: str,
    slot: Shape,
    path: KeyPath,
    place: Place,
    whole: Shape,
    broken: Mapping[tuple[str, str], str],
) -> Problem:
    """The problem of a name: broken, ambiguous, of another kind, missing or misspelt.

    Args:
        name: no component of the slot's kind has it.
        slot: its shape.
        path: of the name.
        place: of the name.
        whole: the shape of the experiment.
        broken: installed components that are not in the schema, and why.
    """
    kind = slot.kind
    assert kind is not None
    if (kind, name) in broken:
        return _broken(broken[kind, name], path, place)
    problem = _unknown(name, kind, slot, path, place, whole)
    note = f"installed: {', '.join(slot.names) or 'none'}"
    hidden = os.environ.get("VQFW_NO_PLUGINS", "") not in ("", "0")
    if problem.code == "unknown-component" and hidden:
        note += "; VQFW_NO_PLUGINS hides those of other packages"
    return replace(problem, note=note, place=place)


def _unknown(
    name: str, kind: str, slot: Shape, path: KeyPath, place: Place, whole: Shape
) -> Problem:
    """The problem without its note and place."""
    try:
        index().find(kind, name)
    except PluginError as error:
        claims = [each for each in index().of(kind) if each.name == name]
        if claims:
            fact, _, help_ = str(error).partition(": ")
            return Problem("ambiguous-component", fact, path, help_)
    elsewhere = [
        other
        for other in KINDS
        if other != kind and f"{other}.{name}" in whole.root["$defs"]
    ]
    if elsewhere:
        kinds = " and ".join(f"{article(each)} {words(each)}" for each in elsewhere)
        keys = " or ".join(f'"{KINDS[each].key}"' for each in elsewhere)
        begun = [each for each in slot.names if each.startswith(f"{name}_")]
        message = f"{short(name)} is {kinds}, not {article(kind)} {words(kind)}"
        help_ = f"move it to {keys}{_instead(name, slot.names)}"
        if begun:
            help_ = f"did you mean {alternatives(begun)}?"
        return Problem("wrong-kind", message, path, help_)
    message = f"no {words(kind)} is called {short(name)}"
    question = did_you_mean(name, slot.names)
    distribution, slash, _ = name.partition("/")
    if slash and not question and KINDS[kind].shorthand is None:
        package = f'no component of "{distribution}" is installed'
        help_ = f"pip install {distribution}, or name one that is installed"
        return Problem("missing-plugin", f"{message}: {package}", path, help_)
    types = ["number"] if _takes_number(kind) else []
    if (number := meant_value(name, types, slot)) is not None:
        help_ = written(number, path, place)
    elif types and (unquoted_number := unquoted(name, types, slot)):
        help_ = unquoted_number
    elif slot.nullable and means_nothing(name):
        help_ = "write null to go without"
    elif question:
        help_ = question
    elif KINDS[kind].shorthand and KINDS[kind].shorthand.json_type == "string":  # type: ignore[union-attr]  # it was just tested
        help_ = f'write one of these, or a folder as a path: "./{name[:60]}"'
    elif slot.names:
        help_ = f"write one of {', '.join(slot.names)}"
    else:
        help_ = "remove it, or install a package that has one"
    return Problem("unknown-component", message, path, help_)


def _takes_number(kind: str) -> bool:
    short = KINDS[kind].shorthand
    return KINDS[kind].plain == "number" or bool(short and short.json_type == "number")


def _broken(reason: str, path: KeyPath, place: Place) -> Problem:
    """A problem from the one sentence of a ``PluginError``: the fact, then the repair."""
    for separator, end in (("): ", ")"), ("; ", "")):
        fact, found, repair = reason.rpartition(separator)
        if found:
            return Problem("broken-component", fact + end, path, repair, place=place)
    repair = "repair or uninstall its package, or name another component"
    return Problem("broken-component", reason, path, repair, place=place)


def _instead(name: str, names: tuple[str, ...]) -> str:
    close = nearly_equal(name, names)
    return f", or did you mean {alternatives(close)}?" if close else ""
