"""The key of a run: runs with the same key count as the same, so that none is trained twice.

It is made of:

- every setting of the resolved experiment, but for ``name``, ``description``, ``notes``
  and ``expected``, which change no number, and for settings that are newer than the first
  release and have their defaults (see ``vqfw.experiment.later``), so that finished runs
  stay finished;
- the Keras backend;
- the versions of vqfw and of the packages whose components are named, and the checksums
  of plugin files.

It leaves out the commit of a working tree, versions of other libraries, processor, settled
precision and the images. If these differ between the runs of a table, a line below the
table says so. To train such runs again, remove their folders and call the study again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from vqfw.errors import RunError
from vqfw.experiment.later import without_later_defaults
from vqfw.registry import index, plugin_files
from vqfw.registry.backends import chosen_backend
from vqfw.registry.entries import FIRST_PARTY
from vqfw.runs import RunFolder
from vqfw.runs.environment import versions_of
from vqfw.schema.settings import ABOUT

_HEX = 10


def key_of_settings(values: Mapping[str, Any]) -> str:
    """The key of a run of this experiment that this process would start.

    Args:
        values: a resolved experiment.
    """
    files = [each.sha256 for each in plugin_files()]
    return _key(values, chosen_backend(), versions_of(_packages(values)), files)


def key_of_run(run: RunFolder) -> str | None:
    """The key of a run on disk; None if its records cannot be read."""
    try:
        values, environment = run.resolved, run.environment
    except RunError:
        return None
    recorded = environment.get("versions", {})
    files = [each["sha256"] for each in environment.get("plugin_files", ())]
    return _key(values, str(environment.get("backend")), recorded, files)


def _key(
    values: Mapping[str, Any],
    backend: str,
    recorded: Mapping[str, Any],
    files: list[str],
) -> str:
    versions = {name: str(recorded.get(name, "")) for name in _packages(values)}
    settings = without_later_defaults(values)
    settings = {name: each for name, each in settings.items() if name not in ABOUT}
    parts = [settings, backend, versions, sorted(files)]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HEX]


def _packages(values: Any) -> list[str]:
    """vqfw, and the other packages whose components an experiment names."""
    named = set(_types(values))
    foreign = {
        entry.distribution
        for entry in index().entries
        if not entry.first_party
        and entry.file is None
        and named & {entry.name, entry.qualified}
    }
    return [FIRST_PARTY, *sorted(foreign)]


def _types(values: Any) -> Iterator[str]:
    if isinstance(values, Mapping):
        if isinstance(values.get("type"), str):
            yield values["type"]
        values = values.values()
    elif not isinstance(values, list | tuple):
        return
    for each in values:
        yield from _types(each)
