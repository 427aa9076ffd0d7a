"""Installed components in a person's words: options, ranges, and a block to paste.

What is known without importing anything comes from the packaged schema and from the cache
of fragments; the rest is asked of the component itself, in a process of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from vqfw.authoring.values import in_words, packaged_fragment, plainest_values
from vqfw.errors import PluginError, UsageError
from vqfw.kinds.catalog import KINDS, OBSERVER
from vqfw.registry.compatibility import require_compatible
from vqfw.registry.constructors import component_fragment
from vqfw.registry.entries import Entry, index
from vqfw.registry.fragment_cache import cached_fragment
from vqfw.registry.fragments import fragment_of, read_fragments
from vqfw.schema.schema import Schema
from vqfw.suggestions import nearest_words

State = Literal["ready", "unread", "broken"]


@dataclass(frozen=True)
class Option:
    """One setting of a component.

    Args:
        name: its key.
        type: what JSON value it takes, in words, with the range.
        default: what holds where nothing is given; None where something must be, or
            where the default is null.
        required: whether something must be given.
        meaning: what its component says about it.
    """

    name: str
    type: str
    default: Any
    required: bool
    meaning: str


@dataclass(frozen=True)
class ComponentDescription:
    """A component with all that is known of it.

    Args:
        entry: as it is registered.
        state: ``ready``; ``unread`` where nobody has looked yet; ``broken``.
        fragment: the schema of its options; None where it is not known.
        reason: why it is broken.
    """

    entry: Entry
    state: State
    fragment: Schema | None = None
    reason: str = ""

    @property
    def write(self) -> str:
        """What an experiment, or a verb that takes an observer, writes to mean it."""
        if self.entry.kind == OBSERVER:
            names = [each.name for each in index().observers]
            alone = names.count(self.entry.name) == 1
            return self.entry.name if alone else self.entry.qualified
        return index().spelling(self.entry) or self.entry.qualified

    @property
    def sentence(self) -> str:
        """What it does; ``?`` where that is not known."""
        return str(self.fragment.get("description", "")) if self.fragment else "?"

    @property
    def text(self) -> str:
        """The whole text of its documentation, without its options."""
        found = self.fragment or {}
        return str(found.get("markdownDescription") or found.get("description", ""))

    @property
    def options(self) -> tuple[Option, ...] | None:
        """Its settings, its own before those of the engine; None where not known."""
        if self.entry.kind == OBSERVER:
            return ()
        if self.fragment is None:
            return None
        required = self.fragment.get("required", ())
        return tuple(
            Option(
                name=name,
                type=in_words(schema),
                default=schema.get("default"),
                required=name in required,
                meaning=str(schema.get("description", "")),
            )
            for name, schema in self.fragment.get("properties", {}).items()
            if name != "type"
        )

    @property
    def example(self) -> str:
        """A member to paste into an experiment, with every setting in it, if any can."""
        if self.entry.kind == OBSERVER:
            return ""
        kind = KINDS[self.entry.kind]
        key = kind.key.rpartition(".")[2]
        value: Any = {"type": self.write, **plainest_values(self.fragment or {})}
        if key.endswith("[]"):
            value = [value]
        text = json.dumps({key.removesuffix("[]"): value}, indent=2, ensure_ascii=False)
        return "\n".join(line[2:] for line in text.splitlines()[1:-1])

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        options = self.options
        return {
            "kind": self.entry.kind,
            "name": self.entry.name,
            "write": self.write,
            "distribution": self.entry.distribution,
            "version": self.entry.version,
            "state": self.state,
            "reason": self.reason,
            "sentence": self.sentence if self.fragment else None,
            "options": None if options is None else [vars(each) for each in options],
        }


def find_component(text: str) -> Entry:
    """Finds the component that a person means.

    Args:
        text: ``kind/name``, ``kind/distribution/name``, or a name that one kind has; the
            kind may be ``observer`` too, or a form that ``plugins new`` knows.

    Raises:
        UsageError: if the name alone does not say which kind is meant.
        PluginError: if there is no such component.
    """
    # What knows the templates costs time that a listing must not take.
    from vqfw.authoring.template import FORMS

    kind, slash, name = text.partition("/")
    kind = FORMS.get(kind, kind)
    if slash and kind in KINDS:
        return index().find(kind, name)
    if slash and kind == OBSERVER:
        return _observer(name)
    watching = [each.name for each in index().observers]
    kinds = [each for each in KINDS if text in index().names(each)]
    kinds += [OBSERVER] if text in watching else []
    if kinds == [OBSERVER]:
        return _observer(text)
    if len(kinds) == 1:
        return index().find(kinds[0], text)
    if kinds:
        choice = " or ".join(f"{each}/{text}" for each in kinds)
        raise UsageError(f'"{text}" is the name of {len(kinds)} kinds: write {choice}')
    known = [f"{each}/{name}" for each in KINDS for name in index().names(each)]
    known += [f"{OBSERVER}/{name}" for name in watching]
    close = nearest_words(text, known) or [
        each for each in known if nearest_words(text, [each.partition("/")[2]])
    ]
    hint = f"did you mean {close[0]}?" if close else "see: vqfw plugins list"
    raise PluginError(f'no component is called "{text}": {hint}')


def _observer(name: str) -> Entry:
    """An installed observer by its name, bare where only one package has it, or qualified."""
    every = index().observers
    found = [each for each in every if name in (each.name, each.qualified)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(each.qualified for each in found or every)
    raise PluginError(
        f'{len(found) or "no"} observers are called "{name}": '
        f"{f'write one of {known}' if known else 'none is installed'}"
    )


def list_components(entries: Iterable[Entry]) -> Iterator[ComponentDescription]:
    """What is known of components without running any of their code."""
    for entry in entries:
        try:
            require_compatible(entry)
        except PluginError as error:
            yield ComponentDescription(entry, "broken", reason=str(error))
            continue
        found = (
            packaged_fragment(entry) if entry.first_party else cached_fragment(entry)
        )
        yield ComponentDescription(entry, "ready" if found else "unread", found)


def describe_component(entry: Entry) -> ComponentDescription:
    """All about one component; one of another package is read in a process of its own.

    Raises:
        PluginError: if it cannot be read.
    """
    fragment = packaged_fragment(entry) or fragment_of(entry)
    return ComponentDescription(entry, "ready", fragment)


def import_components(entries: Iterable[Entry]) -> Iterator[ComponentDescription]:
    """Imports every component anew, other people's in another process."""
    every = list(entries)
    read = read_fragments(entry for entry in every if not entry.first_party)
    for entry in every:
        found = _own(entry) if entry.first_party else read[entry]
        if isinstance(found, PluginError):
            yield replace(ComponentDescription(entry, "broken"), reason=str(found))
        else:
            yield ComponentDescription(entry, "ready", found)


def _own(entry: Entry) -> Schema | PluginError:
    try:
        return component_fragment(entry)
    except PluginError as error:
        return error
