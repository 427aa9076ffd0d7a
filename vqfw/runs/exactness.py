"""How far a resumed run can repeat an uninterrupted one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

_ALL = ("versions", "python", "backend", "devices", "threads", "precision", "processor")


def differences(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not as it was when the run began, as ``name before -> now``.

    Args:
        recorded: the environment of the run.
        now: that of this process.
    """
    found = []
    for name in _ALL:
        before, after = recorded.get(name), now.get(name)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += [
                f"{key} {before.get(key)} -> {after.get(key)}"
                for key in sorted(before.keys() | after.keys())
                if before.get(key) != after.get(key)
            ]
        else:
            found.append(f"{name} {before} -> {after}")
    return found


def promise(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What a resumed run may be expected to reach, in a sentence."""
    changed = differences(recorded, now)
    if not changed:
        return "exact: the run goes on bit by bit as if it had not been cut"
    return (
        "equivalent: the run goes on, but not bit by bit as it would have, because of "
        + "; ".join(changed)
    )


def differing(
    environments: Sequence[Mapping[str, Any]],
) -> dict[str, tuple[str | None, ...]]:
    """What is not the same in all of some runs: by name, how it is in each.

    Args:
        environments: as they were recorded.
    """
    facts = [_facts(each) for each in environments]
    names = dict.fromkeys(name for each in facts for name in each)
    found = {name: tuple(each.get(name) for each in facts) for name in names}
    return {name: values for name, values in found.items() if len(set(values)) > 1}


def _facts(environment: Mapping[str, Any]) -> dict[str, str]:
    facts = {name: environment.get(name) for name in _ALL if name != "versions"}
    facts["data"] = str(environment.get("data_fingerprint") or "unknown")[:12]
    git = environment.get("git")
    if git:
        dirty = " with changed files" if git.get("changed_files") else ""
        facts["commit"] = f"{git['commit'][:10]}{dirty}"
    for each in environment.get("plugin_files", ()):
        facts[f"plugin {PurePath(each['path']).name}"] = each["sha256"][:12]
    facts |= environment.get("versions", {})
    return {name: str(value) for name, value in facts.items()}
