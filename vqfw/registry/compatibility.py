"""Whether a package of components was made for this vqfw, by what its metadata requires."""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata

from vqfw.errors import PluginError
from vqfw.registry.entries import FIRST_PARTY, Entry


def require_compatible(entry: Entry) -> None:
    """Refuses a component before its code runs against a vqfw that it was not made for.

    Raises:
        PluginError: naming the version that its package requires and the one there is.
    """
    wanted = unmet(entry)
    if wanted is not None:
        raise PluginError(
            f'{entry.kind} "{entry.name}" of {entry.owner} is installed but cannot be '
            f"used (it requires {wanted}, and this is {own_release()}): install a "
            f"version of {entry.distribution} that fits"
        )


@lru_cache(maxsize=1)
def own_version() -> str:
    """The version of vqfw that runs."""
    return metadata.version(FIRST_PARTY)


def own_release() -> str:
    """``vqfw`` and its version."""
    return f"{FIRST_PARTY} {own_version()}"


def unmet(entry: Entry) -> str | None:
    """The required vqfw version if the installed one does not meet it; else None.

    Pip keeps to such requirements when it installs, but not when vqfw changes later.
    """
    if entry.first_party or entry.file is not None:
        return None
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        lines = metadata.requires(entry.distribution) or []
    except metadata.PackageNotFoundError:
        return None
    for line in lines:
        try:
            found = Requirement(line)
        except InvalidRequirement:
            continue
        if canonicalize_name(found.name) != FIRST_PARTY:
            continue
        applies = found.marker is None or found.marker.evaluate({"extra": ""})
        if applies and not found.specifier.contains(own_version(), prereleases=True):
            return f"{FIRST_PARTY}{found.specifier}"
    return None
