"""Says whether a resumed run is bit-exact, and which versions and devices differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

_SETTINGS = ("python", "backend", "devices", "threads", "precision", "processor")


def promise(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """A sentence: whether the resumed run is exact, or what makes it differ.

    Args:
        recorded: the environment of the run.
        now: the environment of this process.
    """
    before = {**recorded.get("versions", {}), **_settings(recorded)}
    after = {**now.get("versions", {}), **_settings(now)}
    changed = [
        f"{name} {before.get(name)} -> {after.get(name)}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
    if not changed:
        return "exact: the run continues bit by bit as if it had not been interrupted"
    return "equivalent: the run continues, but not bit by bit, because of " + "; ".join(
        changed
    )


def differing(
    environments: Sequence[Mapping[str, Any]],
) -> dict[str, tuple[str | None, ...]]:
    """Facts of recorded environments that are not equal in all: by name, one a run."""
    facts = [_facts(each) for each in environments]
    names = dict.fromkeys(name for each in facts for name in each)
    columns = {name: tuple(each.get(name) for each in facts) for name in names}
    return {name: values for name, values in columns.items() if len(set(values)) > 1}


def _settings(environment: Mapping[str, Any]) -> dict[str, Any]:
    return {name: environment.get(name) for name in _SETTINGS}


def _facts(environment: Mapping[str, Any]) -> dict[str, str]:
    facts = _settings(environment)
    facts["data"] = str(environment.get("data_fingerprint") or "unknown")[:12]
    git = environment.get("git")
    if git:
        dirty = " with changed files" if git.get("changed_files") else ""
        facts["commit"] = f"{git['commit'][:10]}{dirty}"
    for each in environment.get("plugin_files", ()):
        facts[f"plugin {PurePath(each['path']).name}"] = each["sha256"][:12]
    facts |= environment.get("versions", {})
    return {name: str(value) for name, value in facts.items()}
