"""Loads the schema of an experiment: as packaged, with installed plugins, or made afresh.

The document itself is the subject of ``document.py``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from vqfw.registry.constructors import component_fragment
from vqfw.registry.entries import Entry, index
from vqfw.registry.fragments import foreign_fragments
from vqfw.schema.document import Fragments, Schema, assembled

FILE_NAME = "experiment.schema.json"


def generate() -> Schema:
    """Derives the schema from the constructors of all first-party components.

    It imports them, and so Keras.

    Raises:
        PluginError: if one of them cannot be imported or described.
    """
    first_party = [entry for entry in index().entries if entry.first_party]
    return assembled(
        {(entry.kind, entry.name): component_fragment(entry) for entry in first_party}
    )


@lru_cache(maxsize=1)
def packaged() -> Schema:
    """The schema of the first-party components that comes with vqfw; not to be changed."""
    return dict(json.loads(packaged_path().read_text("utf-8")))


def packaged_path() -> Path:
    """Where that schema lies: in the installed package, or in the checkout."""
    here = Path(__file__)
    beside = here.with_name(FILE_NAME)
    return beside if beside.exists() else here.parents[2] / "schemas" / FILE_NAME


def installed() -> Schema:
    """The packaged schema and the components of all other installed packages.

    Those that cannot be described are left out; ``schema_for`` says why.
    """
    return schema_for(None)[0]


def schema_for(
    named: Collection[str] | None,
) -> tuple[Schema, Mapping[tuple[str, str], str]]:
    """The schema with those foreign components that an experiment may have named.

    Args:
        named: all strings that could be names; None for all installed components.

    Returns:
        The schema; and by kind and name, why a named component is not in it.
    """
    entries = [
        (entry, name)
        for entry, name in foreign()
        if named is None or name in named or entry.name in named
    ]
    if not entries:
        return packaged(), {}
    found, failed = foreign_fragments(entries)
    return (extended(packaged(), found) if found else packaged()), failed


def foreign() -> list[tuple[Entry, str]]:
    """The components of other packages, each with the names that it goes by."""
    found = []
    for entry in index().entries:
        name = index().spelling(entry)
        if not entry.first_party:
            # The qualified spelling stays right when another package claims the name.
            found += [(entry, each) for each in sorted({name, entry.qualified})]
    return found


def extended(schema: Mapping[str, Any], found: Fragments) -> Schema:
    """A schema with further components."""
    return assembled({**_components(schema), **found})


def _components(schema: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    pairs = ((key.partition("."), value) for key, value in schema["$defs"].items())
    return {(kind, name): value for (kind, dot, name), value in pairs if dot}
