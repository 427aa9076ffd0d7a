"""What a run ran on: recorded, so that a difference in results can be traced."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import Any

_PACKAGES = ("vqfw", "keras", "numpy", "Pillow", "scikit-learn")
_BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


def describe_environment(
    backend: str, distributions: Sequence[str] = ()
) -> dict[str, Any]:
    """Versions, platform, git state and command line of this process.

    Args:
        backend: the Keras backend in use.
        distributions: packages that supplied components; their versions are added.
    """
    packages = (*_PACKAGES, _BACKENDS.get(backend, backend), *distributions)
    return {
        "versions": _versions(packages),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "backend": backend,
        "git": _git(),
        "argv": sys.argv,
    }


def processor_flags() -> frozenset[str]:
    """Instruction sets of the processor as Linux names them; empty where unknown."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = [line for line in file if line.startswith(("flags", "Features"))]
    except OSError:
        return frozenset()
    return frozenset(lines[0].partition(":")[2].split()) if lines else frozenset()


def _versions(names: Iterable[str]) -> dict[str, str]:
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


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
