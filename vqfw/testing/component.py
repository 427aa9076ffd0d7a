"""Runs the checks of a component by its name.

The component is built as in an experiment: from its options and the values that the engine
supplies. Small sizes are quickest, and are set as options.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vqfw.authoring.component_options import resolved_options
from vqfw.errors import PluginError, VqfwError
from vqfw.kinds.catalog import OBSERVER
from vqfw.registry import Entry, build, load_entry
from vqfw.registry.hooks import load_observer
from vqfw.testing import Check, Factory, checks, general_checks
from vqfw.testing.supplied import SUPPLIED, made


@dataclass(frozen=True)
class Outcome:
    """The result of one check.

    Args:
        check: its name.
        promise: that it checks.
        complaint: the fault and its usual repair; None where there is none.
        skipped: why it does not apply; None where it does.
    """

    check: str
    promise: str
    complaint: str | None
    skipped: str | None = None


def factory_of(entry: Entry, settings: Sequence[str] = ()) -> Factory:
    """A function that makes a fresh component of these options at every call.

    Args:
        entry: the component.
        settings: ``key=value`` for its options; the rest keep their defaults.

    Raises:
        PluginError: if it cannot be read.
        UsageError: if a required option is missing.
        ExperimentError: if a setting is not allowed.
    """
    if entry.kind == OBSERVER:
        module = load_observer(entry)
        return lambda: module
    options = resolved_options(entry, settings)

    def make(**known: Any) -> Any:
        return build(entry.kind, options, {**SUPPLIED, **known})

    return make


def outcomes(entry: Entry, settings: Sequence[str] = ()) -> Iterator[Outcome]:
    """Runs every check of its kind on a component.

    Raises:
        PluginError: if it cannot be loaded, or breaks its contract while it is made.
        UsageError: if a required option is missing.
        ExperimentError: if a setting is not allowed.
        VqfwError: if something that it needs is missing, as the files of a dataset.
        ValueError: if there are no checks for its kind.
    """
    component = None if entry.kind == OBSERVER else load_entry(entry)
    factory = factory_of(entry, settings)
    complaint, _ = _answer(it_can_be_made, factory)
    if complaint is not None:  # all other checks would fail in the same way
        yield _outcome(it_can_be_made, complaint)
        return
    for check in (*general_checks(), *checks(entry.kind, component)):
        yield _outcome(check, *_answer(check, factory))


def it_can_be_made(factory: Factory) -> None:
    """Its constructor takes its options."""
    made(factory)


def _outcome(
    check: Check, complaint: str | None, skipped: str | None = None
) -> Outcome:
    promise = (check.__doc__ or "").strip().partition("\n")[0]
    return Outcome(check.__name__, promise, complaint, skipped)


def _answer(check: Check, factory: Factory) -> tuple[str | None, str | None]:
    """The complaint of a check, and why it does not apply."""
    try:
        return None, check(factory)
    except AssertionError as error:
        return str(error), None
    except Exception as error:
        # A PluginError has the exception of the constructor as its cause.
        own = error.__cause__ if isinstance(error, PluginError) else error
        if own is None or isinstance(own, VqfwError):
            raise
        last = traceback.extract_tb(own.__traceback__)[-1]
        place = f"{last.filename}:{last.lineno}"
        return f"the check fails with {type(own).__name__}: {own} ({place})", None
