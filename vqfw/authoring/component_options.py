"""The options of one component on its own, as an experiment would have them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from vqfw.authoring.components import ComponentDescription, describe_component
from vqfw.authoring.values import likely_value, plainest_values
from vqfw.errors import ExperimentError, Place, Problem, UsageError
from vqfw.experiment.overrides import assigned, in_order, parsed_override
from vqfw.problems.findings import schema_problems
from vqfw.registry.entries import Entry
from vqfw.schema.layers import filled, written_out
from vqfw.schema.loading import schema_for
from vqfw.schema.shape import whole
from vqfw.text.tree import defaulted, strings


def resolved_options(entry: Entry, settings: Sequence[str] = ()) -> dict[str, Any]:
    """The options of one component with defaults filled in, as ``build`` takes them.

    A required slot or choice without a default gets its plainest value.

    Args:
        entry: the component.
        settings: ``key=value``, as ``--set`` takes them, from the component's root.

    Raises:
        PluginError: if the component cannot be read.
        UsageError: if a required number or text is not among the settings.
        ExperimentError: if the settings are not valid.
    """
    kind = entry.kind
    description = describe_component(entry)
    _require_set(description, settings)
    fragment = description.fragment or {}
    values = plainest_values(fragment)
    required = {
        key: values[key] for key in fragment.get("required", ()) if key in values
    }
    root = {kind: {"type": description.write, **required}}
    tree = defaulted(root, Place("", 0, 0, 0, ""))
    problems: list[Problem] = []
    overrides = []
    for setting in settings:
        override, refused = parsed_override(f"{kind}.{setting}")
        problems += refused
        overrides += [override] if override is not None else []
    names = strings([tree, *(each.value for each in overrides)])
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


def _require_set(description: ComponentDescription, settings: Sequence[str]) -> None:
    """Asks for the required options that have no plainest value."""
    fragment, entry = description.fragment or {}, description.entry
    given = {setting.partition("=")[0].partition(".")[0] for setting in settings}
    missing = {
        name: likely_value(name, fragment["properties"][name])
        for name in fragment.get("required", ())
        if name != "type" and name not in given
    }
    missing = {name: text for name, text in missing.items() if text}
    if not missing:
        return
    subject = entry.file or f"{entry.kind}/{description.write}"
    every = [*settings, *(f"{name}={text}" for name, text in missing.items())]
    command = shlex.join(
        ["vqfw", "plugins", "check", subject]
        + [part for each in every for part in ("--set", each)]
    )
    names = " and ".join(f'"{name}"' for name in missing)
    verb = "have no default: set them" if len(missing) > 1 else "has no default: set it"
    raise UsageError(f'{names} of {entry.kind} "{entry.name}" {verb}: {command}')
