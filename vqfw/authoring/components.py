"""Descriptions of installed components: options, ranges, and a block to paste.

They come from the packaged schema and the cache of fragments, without an import, or else
from the code of the component, in a child process.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from vqfw.authoring.values import in_words, packaged_fragment, plainest_values
from vqfw.errors import PluginError, UsageError
from vqfw.kinds.catalog import KINDS, OBSERVER
from vqfw.registry.compatibility import require_compatible
from vqfw.registry.constructors import component_fragment
from vqfw.registry.entries import Entry, index
from vqfw.registry.fragment_cache import cached_fragment
from vqfw.registry.fragments import fragment_of, read_fragments
from vqfw.schema.document import Schema
from vqfw.suggestions import nearest_words

State = Literal["ready", "unread", "broken"]


@dataclass(frozen=True)
class Option:
    """One setting of a component.

    Args:
        name: its key.
        type: its JSON type and range, in words.
        default: its default; None if that is null or if it is required.
        required: whether an experiment must give it.
        meaning: its description.
    """

    name: str
    type: str
    default: Any
    required: bool
    meaning: str


@dataclass(frozen=True)
class ComponentDescription:
    """A component, its state and its options.

    Args:
        entry: as it is registered.
        state: ``ready``; ``unread`` if its options are not in the cache; ``broken``.
        fragment: the schema of its options; None unless it is ready.
        reason: why it is broken.
    """

    entry: Entry
    state: State
    fragment: Schema | None = None
    reason: str = ""

    @property
    def write(self) -> str:
        """The name by which an experiment, or a verb for an observer, finds it."""
        if self.entry.kind == OBSERVER:
            names = [each.name for each in index().observers]
            alone = names.count(self.entry.name) == 1
            return self.entry.name if alone else self.entry.qualified
        return index().spelling(self.entry)

    @property
    def sentence(self) -> str:
        """The first sentence of its documentation; ``?`` if it is not ready."""
        return str(self.fragment.get("description", "")) if self.fragment else "?"

    @property
    def text(self) -> str:
        """The whole text of its documentation, without its options."""
        fragment = self.fragment or {}
        return str(
            fragment.get("markdownDescription") or fragment.get("description", "")
        )

    @property
    def options(self) -> tuple[Option, ...] | None:
        """Its options, before those of the engine; None if it is not ready."""
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
        """A member of an experiment with every option; empty for an observer."""
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
    """Finds a component or observer by name.

    Args:
        text: ``kind/name``, ``kind/distribution/name``, or a name that one kind has; the
            kind may be ``observer`` too, or a form that ``plugins new`` knows.

    Raises:
        UsageError: if several kinds have the name.
        PluginError: if there is no such component.
    """
    # It costs time that a listing must not take.
    from vqfw.authoring.template import FORMS

    kind, slash, name = text.partition("/")
    kind = FORMS.get(kind, kind)
    if slash and (kind in KINDS or kind == OBSERVER):
        return _find(kind, name)
    names = {kind: index().names(kind) for kind in KINDS}
    names[OBSERVER] = tuple(each.name for each in index().observers)
    kinds = [kind for kind in names if text in names[kind]]
    if len(kinds) == 1:
        return _find(kinds[0], text)
    if kinds:
        choice = " or ".join(f"{each}/{text}" for each in kinds)
        raise UsageError(f'"{text}" is the name of {len(kinds)} kinds: write {choice}')
    every = [f"{kind}/{name}" for kind in names for name in names[kind]]
    close = nearest_words(text, every) or [
        each for each in every if nearest_words(text, [each.partition("/")[2]])
    ]
    hint = f"did you mean {close[0]}?" if close else "see: vqfw plugins list"
    raise PluginError(f'no component is called "{text}": {hint}')


def _find(kind: str, name: str) -> Entry:
    """A component, or an observer by its name, qualified where packages share it."""
    if kind != OBSERVER:
        return index().find(kind, name)
    every = index().observers
    found = [each for each in every if name in (each.name, each.qualified)]
    if len(found) == 1:
        return found[0]
    spellings = ", ".join(each.qualified for each in found or every)
    raise PluginError(
        f'{len(found) or "no"} observers are called "{name}": '
        f"{f'write one of {spellings}' if spellings else 'none is installed'}"
    )


def list_components(entries: Iterable[Entry]) -> Iterator[ComponentDescription]:
    """Describes components without an import; one that is not in the cache is unread."""
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
    """Describes a component; one of another package is read in a child process.

    Raises:
        PluginError: if it cannot be read.
    """
    fragment = packaged_fragment(entry) or fragment_of(entry)
    return ComponentDescription(entry, "ready", fragment)


def import_components(entries: Iterable[Entry]) -> Iterator[ComponentDescription]:
    """Describes components from their code, other people's in a child process."""
    every = list(entries)
    read = read_fragments(entry for entry in every if not entry.first_party)
    for entry in every:
        try:
            answer = component_fragment(entry) if entry.first_party else read[entry]
        except PluginError as error:
            answer = error
        if isinstance(answer, PluginError):
            yield ComponentDescription(entry, "broken", reason=str(answer))
        else:
            yield ComponentDescription(entry, "ready", answer)
