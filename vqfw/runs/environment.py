"""The environment of a run, recorded so that differences in results can be traced."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import metadata
from typing import Any

_PACKAGES = ("vqfw", "keras", "numpy", "Pillow", "scikit-learn")


def describe_environment(
    backend: str, distributions: Sequence[str] = ()
) -> dict[str, Any]:
    """Versions, platform, git state and command line of this process.

    Args:
        backend: the Keras backend in use.
        distributions: packages that supplied components; their versions are added.
    """
    return {
        "versions": versions_of((*_PACKAGES, backend, *distributions)),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _cpuinfo("model name") or platform.processor(),
        "backend": backend,
        "git": _git(),
        "argv": sys.argv,
    }


def processor_flags() -> frozenset[str]:
    """Instruction sets of the processor as Linux names them; empty where unknown."""
    return frozenset(_cpuinfo("flags", "Features").split())


def versions_of(names: Iterable[str]) -> dict[str, str]:
    """The versions of the packages that are installed, by name."""
    versions = {}
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _cpuinfo(*names: str) -> str:
    """The first entry of these names that Linux has; empty where there is none."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith(names):
                return line.partition(":")[2].strip()
    return ""


def _git() -> dict[str, Any] | None:
    """Commit of the working directory and whether files differ from it."""

    def ask(*arguments: str) -> str:
        answer = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
        return answer.stdout.strip()

    try:
        commit = ask("rev-parse", "HEAD")
        changed = ask("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "changed_files": len(changed.splitlines())}
