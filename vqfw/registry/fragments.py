"""The schema fragments of components of other packages: cached, or read and checked.

The fragments of vqfw's own components are part of its package. That of another package is
read once, in a child process, so that checking an experiment imports no Keras.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TypeAlias

from vqfw.errors import PluginError
from vqfw.registry.compatibility import require_compatible
from vqfw.registry.constructors import check_fragment, component_fragment
from vqfw.registry.entries import Entry
from vqfw.registry.fragment_cache import cached_fragment, keep_fragment
from vqfw.registry.fragment_process import Answer, ask_processes
from vqfw.registry.parameters import Schema

Answers: TypeAlias = dict[Entry, Answer]


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
    read = fragments_of(entry for entry, _ in named)
    for entry, name in named:
        result = read[entry]
        if isinstance(result, PluginError):
            failed[entry.kind, name] = str(result)
        else:
            properties = {**result["properties"], "type": {"const": name}}
            found[entry.kind, name] = {**result, "properties": properties}
    return found, failed


def read_fragments(entries: Iterable[Entry]) -> Answers:
    """The fragments of components from their code, without the cache.

    Returns:
        For each component its fragment, or why it has none.
    """
    answers, installed = _answers(entries, _known_here)
    for entry, answer in ask_processes(installed):
        if not isinstance(answer, PluginError):
            try:
                check_fragment(answer, entry)
            except PluginError as error:
                answer = error
        answers[entry] = answer
    return answers


def fragments_of(entries: Iterable[Entry]) -> Answers:
    """The fragments of components of other packages, from the cache where it has them.

    Returns:
        For each component its fragment, or why it has none.
    """
    answers, unread = _answers(entries, _known)
    for entry, answer in read_fragments(unread).items():
        answers[entry] = answer
        if not isinstance(answer, PluginError):
            keep_fragment(entry, answer)
    return answers


def fragment_of(entry: Entry) -> Schema:
    """The fragment of a component of another package, from the cache where it has it.

    Raises:
        PluginError: if it cannot be read.
    """
    answer = fragments_of([entry])[entry]
    if isinstance(answer, PluginError):
        raise answer
    return answer


def _answers(
    entries: Iterable[Entry], look: Callable[[Entry], Schema | None]
) -> tuple[Answers, list[Entry]]:
    """The answers of ``look``, and the components for which it gives None."""
    answers: Answers = {}
    unread = []
    for entry in dict.fromkeys(entries):
        try:
            fragment = look(entry)
        except PluginError as error:
            answers[entry] = error
            continue
        if fragment is None:
            unread.append(entry)
        else:
            answers[entry] = fragment
    return answers, unread


def _known_here(entry: Entry) -> Schema | None:
    require_compatible(entry)
    # A file has run in this process already.
    return None if entry.file is None else component_fragment(entry)


def _known(entry: Entry) -> Schema | None:
    require_compatible(entry)
    if entry.target.partition(":")[0] in sys.modules:
        return component_fragment(entry)
    return cached_fragment(entry)
