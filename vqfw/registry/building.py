"""Imports the class of a component by its name, and builds it from its options."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib import import_module
from pkgutil import resolve_name
from typing import Any

from vqfw.errors import (
    ExperimentError,
    KeyPath,
    PluginError,
    Problem,
    VqfwError,
    dotted,
    first_line,
    in_short,
)
from vqfw.kinds.catalog import KINDS, article
from vqfw.registry.compatibility import require_compatible
from vqfw.registry.contract import owed, wrong_attribute
from vqfw.registry.entries import Entry, index
from vqfw.registry.importing import contained, harmless
from vqfw.registry.parameters import Parameter, parameters_of
from vqfw.registry.tracebacks import code_place


def load(kind: str, name: str) -> type:
    """Imports the class of a component.

    Args:
        kind: a key of ``KINDS``.
        name: bare, or ``distribution/name``.

    Raises:
        PluginError: if the name is unknown or in conflict, or if the import fails; then
            the cause is attached.
    """
    return load_entry(index().find(kind, name))


def load_entry(entry: Entry) -> type:
    """Imports the class that an entry registers.

    Raises:
        PluginError: if its package is made for another vqfw, or if the import raises,
            exits, takes too long or gives a component of another kind.
    """
    require_compatible(entry)
    module, _, attribute = entry.target.partition(":")
    try:
        # Components of vqfw import Keras, which may take longer than a plugin may.
        with nullcontext() if entry.first_party else contained():
            component = getattr(import_module(module), attribute)
    except Exception as error:
        raise PluginError(
            f'{entry.kind} "{entry.name}" of {entry.owner} is installed but cannot be '
            f"imported ({in_short(error)}{code_place(error, entry)}): "
            f"{entry.remedy}"
        ) from error
    declared = getattr(component, "vqfw_kind", entry.kind)
    if declared not in KINDS:
        fact = f"is of kind {declared!r}, which is unknown"
        raise _misregistered(entry, f"{fact}: {_derive(entry)}")
    if declared != entry.kind:
        group = f"move its entry point to the group {KINDS[declared].group}"
        raise _misregistered(entry, f"is {article(declared)} {declared}: {group}")
    _require_one_form(entry, component)
    if not entry.first_party and isinstance(component, type) and owed(component):
        raise PluginError(
            f'{entry.kind} "{entry.name}" of {entry.owner} is not finished: '
            f"{owed(component)}"
        )
    return component  # type: ignore[no-any-return]  # Keras classes are Any


def build(
    kind: str,
    options: Mapping[str, Any],
    supplied: Mapping[str, Any],
    path: KeyPath | None = None,
) -> Any:
    """Makes a component from its part of a resolved experiment.

    Slots among the options are built first and passed in; for ``Copies`` a function is,
    which builds. What belongs to the engine (``type``, and the kind's own options) never
    reaches the constructor.

    Args:
        kind: a key of ``KINDS``.
        options: with ``type``, defaults filled in.
        supplied: what the engine knows, by the names of ``Supplied`` parameters.
        path: where the component stands in the experiment; None for the one place, or
            the list, of its kind. Components of one type differ in their seeds by it.

    Raises:
        ExperimentError: if a component of vqfw or of Keras refuses its options.
        PluginError: if the class cannot be loaded, wants something the engine does not
            supply, or is another package's and fails while it is made.
    """
    name = options["type"]
    if path is None:
        path = tuple(KINDS[kind].key.removesuffix("[]").split("."))
    component = load(kind, name)
    arguments = {}
    for parameter in parameters_of(component, KINDS[kind]):
        if parameter.supplied is not None:
            arguments[parameter.name] = _supply(
                parameter.supplied, supplied, kind, name, path
            )
        elif parameter.name in options:
            arguments[parameter.name] = _filled(
                parameter, options[parameter.name], supplied, (*path, parameter.name)
            )
    entry = index().find(kind, name)
    try:
        with nullcontext() if entry.first_party else harmless(), _precision(kind):
            made = component(**arguments)
            if not entry.first_party and (wrong := wrong_attribute(made)):
                raise PluginError(f'{kind} "{name}" of {entry.owner}: {wrong}')
            return made
    except Exception as error:
        error.add_note(f'while building {kind} "{name}" of {entry.owner}')
        if isinstance(error, VqfwError):
            raise
        if not entry.first_party:
            raise PluginError(
                f'{kind} "{name}" of {entry.owner} cannot be made '
                f"({in_short(error)}{code_place(error, entry)}): "
                f"change its options, or {entry.remedy}"
            ) from error
        if isinstance(error, ValueError | TypeError):
            raise refused(kind, options, error, path) from error
        raise


def _precision(kind: str) -> AbstractContextManager[None]:
    """The policy of the layers that a component makes without naming a dtype."""
    if not KINDS[kind].in_float32:
        return nullcontext()
    from vqfw.kinds.precision import policy  # it imports Keras

    return policy("float32")


def _require_one_form(entry: Entry, component: type) -> None:
    """Refuses a component that is not derived from exactly one form of its kind."""
    kind = KINDS[entry.kind]
    if len(kind.contracts) == 1:
        return
    own = component if isinstance(component, type) else type(component)
    kept = [each for each in kind.contracts if issubclass(own, resolve_name(each))]
    if len(kept) != 1:
        fact = "has both of its forms" if kept else "has none of its forms"
        raise _misregistered(entry, f"{fact}: {_derive(entry)}")


def _misregistered(entry: Entry, fact: str) -> PluginError:
    return PluginError(
        f'{entry.owner} registers "{entry.name}" as {entry.kind}, but '
        f"{entry.target} {fact}"
    )


def _derive(entry: Entry) -> str:
    return f"derive it from {' or '.join(KINDS[entry.kind].bases)} of vqfw.kinds"


def refused(
    kind: str, options: Mapping[str, Any], error: Exception, path: KeyPath
) -> ExperimentError:
    """Turns an error of a component about its options into a problem of the experiment.

    Args:
        kind: a key of ``KINDS``.
        options: with ``type``, as given to the component.
        error: what it raised.
        path: where the component stands in the experiment.
    """
    name = options["type"]
    reason = first_line(error) or type(error).__name__
    given = [
        key for key, value in options.items() if key != "type" and value is not None
    ]
    named = [key for key in given if re.search(rf"\b{re.escape(key)}\b", str(error))]
    keys = " or ".join(f'"{key}"' for key in named or given)
    message = f'{kind} "{name}" refuses its options: {reason}'
    help_ = f"change {keys}" if keys else f"choose another {kind}"
    return ExperimentError([Problem("refused-by-component", message, path, help=help_)])


def _supply(
    wanted: str, supplied: Mapping[str, Any], kind: str, name: str, path: KeyPath
) -> Any:
    if wanted == "steps" and wanted not in supplied:
        raise PluginError(
            f'{kind} "{name}" needs the number of steps: set "steps" in "training" '
            'instead of "epochs"'
        )
    if wanted not in supplied:
        raise PluginError(
            f'{kind} "{name}" asks for "{wanted}", which vqfw does not supply: use one '
            f"of {', '.join(sorted(supplied))}"
        )
    value = supplied[wanted]
    return _own_seed(value, kind, name, path) if wanted == "seed" else value


def _own_seed(seed: int, kind: str, name: str, path: KeyPath) -> int:
    """A seed in [0, 2**31), another one for each component and place."""
    text = f"{seed}/{kind}/{name}/{dotted(path)}"
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4]) >> 1


def _filled(
    parameter: Parameter, value: Any, supplied: Mapping[str, Any], path: KeyPath
) -> Any:
    """The value of one option; in a slot, the component."""
    if parameter.slot is None or value is None:
        return tuple(value) if isinstance(value, list) else value
    if parameter.many:
        return tuple(
            build(parameter.slot, each, supplied, (*path, i))
            for i, each in enumerate(value)
        )
    if not isinstance(value, Mapping):
        return value
    if parameter.copies:
        return partial(_copy, parameter.slot, value, supplied, path)
    return build(parameter.slot, value, supplied, path)


def _copy(
    kind: str,
    options: Mapping[str, Any],
    supplied: Mapping[str, Any],
    path: KeyPath,
    index: int,
) -> Any:
    """One of several components with the same options; its seed is its own."""
    own = dict(supplied)
    if "seed" in own:
        own["seed"] = _own_seed(own["seed"], kind, options["type"], (*path, index))
    return build(kind, options, own, path)
