"""The schema fragments of components of other packages: cached, or read and checked.

The fragments of vqfw's own components are part of its package. That of another package is
read once, in a child process, so that checking an experiment imports no Keras.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from vqfw.errors import PluginError
from vqfw.registry.compatibility import require_compatible
from vqfw.registry.constructors import check_fragment, component_fragment
from vqfw.registry.entries import Entry
from vqfw.registry.fragment_cache import cached_fragment, keep_fragment
from vqfw.registry.fragment_process import Answer, ask_processes
from vqfw.registry.parameters import Schema


def foreign_fragments(
    entries: Iterable[tuple[Entry, str]],
) -> tuple[dict[tuple[str, str], Schema], dict[tuple[str, str], str]]:
    """The fragments of components of other packages, from the cache where it has them.

    Args:
        entries: the components, each with its name in experiments.

    Returns:
        Fragments by kind and name; and, for those that have none, the reason.
    """
    found: dict[tuple[str, str], Schema] = {}
    failed: dict[tuple[str, str], str] = {}
    named = list(entries)
    read = read_fragments((entry for entry, _ in named), cached=True)
    for entry, name in named:
        result = read[entry]
        if isinstance(result, PluginError):
            failed[entry.kind, name] = str(result)
        else:
            properties = {**result["properties"], "type": {"const": name}}
            found[entry.kind, name] = {**result, "properties": properties}
    return found, failed


def read_fragments(
    entries: Iterable[Entry], cached: bool = False
) -> dict[Entry, Answer]:
    """The fragments of components of other packages.

    Args:
        entries: the components.
        cached: whether the cache is read and written; otherwise all are read from code.

    Returns:
        For each component its fragment, or why it has none.
    """
    answers: dict[Entry, Answer] = {}
    unread = []
    for entry in dict.fromkeys(entries):
        try:
            require_compatible(entry)
            fragment = _known(entry, cached)
        except PluginError as error:
            answers[entry] = error
            continue
        if fragment is None:
            unread.append(entry)
        else:
            answers[entry] = fragment
    for entry, answer in ask_processes(unread):
        answers[entry] = answer
        if isinstance(answer, PluginError):
            continue
        try:
            check_fragment(answer, entry)
        except PluginError as error:
            answers[entry] = error
            continue
        if cached:
            keep_fragment(entry, answer)
    return answers


def fragment_of(entry: Entry) -> Schema:
    """The fragment of a component of another package, from the cache where it has it.

    Raises:
        PluginError: if it cannot be read.
    """
    answer = read_fragments([entry], cached=True)[entry]
    if isinstance(answer, PluginError):
        raise answer
    return answer


def _known(entry: Entry, cached: bool) -> Schema | None:
    """The fragment of a component that needs no child process; None for any other."""
    is_imported = entry.target.partition(":")[0] in sys.modules
    if entry.file is not None or (cached and is_imported):
        return component_fragment(entry)
    return cached_fragment(entry) if cached else None
