"""Installed components in a person's words: options, ranges, and a block to paste.

What is known without importing anything comes from the packaged schema and from the cache
of fragments; the rest is asked of the component itself, in a process of its own.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

from vqfw.errors import ExperimentError, Place, PluginError, Problem, UsageError
from vqfw.experiment.overrides import assigned, in_order, parsed_override
from vqfw.kinds.catalog import KINDS, OBSERVER
from vqfw.problems.findings import schema_problems
from vqfw.registry.compatibility import require_compatible
from vqfw.registry.entries import Entry, index
from vqfw.registry.fragments import (
    component_fragment,
    fragment_of,
    kept_fragment,
    read_fragments,
)
from vqfw.schema.layers import filled, written_out
from vqfw.schema.schema import Schema, packaged, schema_for
from vqfw.schema.shape import whole
from vqfw.text.tree import Node, defaulted

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
class Described:
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
        value: Any = {"type": self.write, **_values(self.fragment or {})}
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


def named(text: str) -> Entry:
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
    close = get_close_matches(text, known, n=1) or [
        each for each in known if get_close_matches(text, [each.partition("/")[2]])
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


def listed(entries: Iterable[Entry]) -> Iterator[Described]:
    """What is known of components without running any of their code."""
    for entry in entries:
        try:
            require_compatible(entry)
        except PluginError as error:
            yield Described(entry, "broken", reason=str(error))
            continue
        found = _packaged(entry) if entry.first_party else kept_fragment(entry)
        yield Described(entry, "ready" if found else "unread", found)


def described(entry: Entry) -> Described:
    """All about one component; one of another package is read in a process of its own.

    Raises:
        PluginError: if it cannot be read.
    """
    found = _packaged(entry) if entry.first_party else None
    return Described(entry, "ready", found or fragment_of(entry))


def examined(entries: Iterable[Entry]) -> Iterator[Described]:
    """Imports every component anew, other people's in another process."""
    every = list(entries)
    read = read_fragments(entry for entry in every if not entry.first_party)
    for entry in every:
        found = _own(entry) if entry.first_party else read[entry]
        if isinstance(found, PluginError):
            yield replace(Described(entry, "broken"), reason=str(found))
        else:
            yield Described(entry, "ready", found)


def _own(entry: Entry) -> Schema | PluginError:
    try:
        return component_fragment(entry)
    except PluginError as error:
        return error


def in_words(schema: Mapping[str, Any]) -> str:
    """What values a schema of one option allows: ``integer ≥ 1``, ``"a" or "b"``."""
    for inner in (schema.get("then"), *schema.get("allOf", ())[:1]):
        if inner:
            ending = " or null" if "then" in schema else ""
            return in_words(inner) + ending
    if "$ref" in schema:
        kind = str(schema["$ref"]).rpartition("/")[2]
        return f"{kind} component"
    if "enum" in schema:
        return " or ".join(json.dumps(each) for each in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    given = schema.get("type", "anything")
    name = " or ".join(given) if isinstance(given, list) else str(given)
    if "items" in schema:
        name += f" of {in_words(schema['items'])}"
    return " ".join([name, *_limits(schema)])


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    signs = {
        "minimum": "≥",
        "exclusiveMinimum": ">",
        "maximum": "≤",
        "exclusiveMaximum": "<",
        "minItems": "length ≥",
        "maxItems": "length ≤",
        "multipleOf": "multiple of",
    }
    found = [f"{sign} {schema[key]:g}" for key, sign in signs.items() if key in schema]
    if found:
        yield " and ".join(found)


def _packaged(entry: Entry) -> Schema | None:
    found: Schema | None = packaged()["$defs"].get(f"{entry.kind}.{entry.name}")
    return found


def _values(fragment: Mapping[str, Any]) -> dict[str, Any]:
    """A value for each option: its default, or the plainest one that is allowed."""
    return {
        name: schema["default"] if "default" in schema else _plainest(schema)
        for name, schema in fragment.get("properties", {}).items()
        if name != "type"
    }


def _plainest(schema: Mapping[str, Any]) -> Any:
    words = in_words(schema)
    if words.endswith(" component"):
        return _bare(words.removesuffix(" component"))
    if "enum" in schema:
        return schema["enum"][0]
    given = schema.get("type")
    wanted = given[0] if isinstance(given, list) else given
    if wanted in ("integer", "number"):
        above = schema.get("exclusiveMinimum")
        return schema.get("minimum", 1 if above is None else above + 1)
    if wanted == "array":
        return [_plainest(schema.get("items", {}))] * max(1, schema.get("minItems", 1))
    return {"string": "...", "boolean": False, "object": {}}.get(str(wanted))


def _bare(kind: str) -> str:
    """A component of ours that needs no settings; one that a slot of ours takes, if any."""
    usual = _usual(kind)
    bare = []
    for entry in index().of(kind):
        found = _packaged(entry) if entry.first_party else None
        if found and set(found.get("required", ())) <= {"type"}:
            bare.append(entry.name)
    return next((name for name in bare if name in usual), bare[0] if bare else "...")


def _usual(kind: str) -> set[str]:
    """What our own components take where none of a kind is named."""
    ours = (_packaged(entry) for entry in index().entries if entry.first_party)
    slots = [
        schema
        for fragment in ours
        for schema in (fragment or {}).get("properties", {}).values()
        if isinstance(schema.get("default"), str)
    ]
    return {each["default"] for each in slots if in_words(each) == f"{kind} component"}


def resolved(entry: Entry, settings: Sequence[str] = ()) -> dict[str, Any]:
    """The options of one component as an experiment would have them, defaults filled in.

    A slot or a choice that is required and has no default gets the plainest value; a
    number or a text nobody can guess.

    Args:
        entry: the component.
        settings: ``key=value``, as ``--set`` takes them, from the component's root.

    Raises:
        PluginError: if the component cannot be read.
        UsageError: if a number or a text is required and not among the settings.
        ExperimentError: if the settings are not right.
    """
    kind = entry.kind
    found = described(entry)
    _require_set(found, settings)
    required = (found.fragment or {}).get("required", ())
    given = {
        key: value
        for key, value in _values(found.fragment or {}).items()
        if key in required
    }
    tree = defaulted({kind: {"type": found.write, **given}}, Place("", 0, 0, 0, ""))
    problems: list[Problem] = []
    overrides = []
    for setting in settings:
        override, refused = parsed_override(f"{kind}.{setting}")
        problems += refused
        overrides += [override] if override is not None else []
    names = set(_texts([tree, *(each.value for each in overrides)]))
    schema, broken = schema_for(names | {entry.name})
    schema = {**schema, "properties": {kind: {"$ref": f"#/$defs/{kind}"}}}
    schema["required"] = [kind]
    shape = whole(schema)
    for override in in_order(overrides):
        tree, problem = assigned(tree, override, shape)
        problems += [problem] if problem is not None else []
    tree = written_out(tree, shape)
    problems += schema_problems(tree, schema, broken)
    if problems:
        raise ExperimentError(problems)
    options: dict[str, Any] = filled(tree, shape).plain()[kind]
    return options


def _require_set(found: Described, settings: Sequence[str]) -> None:
    """Asks for the required options that have no plainest value."""
    fragment, entry = found.fragment or {}, found.entry
    given = {setting.partition("=")[0].partition(".")[0] for setting in settings}
    missing = {
        name: _likely(name, fragment["properties"][name])
        for name in fragment.get("required", ())
        if name != "type" and name not in given
    }
    missing = {name: text for name, text in missing.items() if text}
    if not missing:
        return
    subject = entry.file or f"{entry.kind}/{found.write}"
    every = [*settings, *(f"{name}={text}" for name, text in missing.items())]
    command = shlex.join(
        [*["vqfw", "plugins", "check"], subject]
        + [part for each in every for part in ("--set", each)]
    )
    names = " and ".join(f'"{name}"' for name in missing)
    verb = "have no default: set them" if len(missing) > 1 else "has no default: set it"
    raise UsageError(f'{names} of {entry.kind} "{entry.name}" {verb}: {command}')


def _likely(name: str, schema: Mapping[str, Any]) -> str:
    """A value to type for a required option; empty where the plainest one does."""
    given = schema.get("type")
    wanted = given[0] if isinstance(given, list) else given
    if "enum" in schema or in_words(schema).endswith(" component"):
        return ""
    if wanted == "array":
        each = _likely(name, schema.get("items", {}))
        return (
            f"[{','.join([each] * max(2, schema.get('minItems', 1)))}]" if each else ""
        )
    if wanted == "string":
        return name.upper()
    if wanted == "integer":
        most = schema.get("maximum", 16)
        return str(min(max(16, schema.get("minimum", 16)), most))
    return str(_plainest(schema)) if wanted == "number" else ""


def _texts(trees: Iterable[Node]) -> Iterator[str]:
    for node in trees:
        if isinstance(node.value, str):
            yield node.value
        yield from _texts(child for _, child in node.children())
