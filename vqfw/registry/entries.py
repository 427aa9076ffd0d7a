"""Which components are installed, read from package metadata; nothing is imported.

First-party names are reserved: another distribution that claims one is reachable only as
``distribution/name``. Two third parties that claim one name make the bare name an error.
So installing a package can never change what an existing experiment means.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata

from vqfw.errors import PluginError
from vqfw.kinds.catalog import KINDS, OBSERVER, OBSERVER_GROUP, article
from vqfw.suggestions import did_you_mean

FIRST_PARTY = "vqfw"


@dataclass(frozen=True)
class Entry:
    """One registered component, or an observer.

    Args:
        kind: a key of ``KINDS``, or ``observer``.
        name: its bare name.
        target: ``module:class``.
        distribution: the package that registers it.
        version: of that package.
        file: the single file that defines it, or the folder of its package, named by
            hand; None for an installed component.
    """

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    file: str | None = None

    @property
    def first_party(self) -> bool:
        """Whether it comes with vqfw itself."""
        return self.distribution == FIRST_PARTY

    @property
    def qualified(self) -> str:
        """The spelling that no other package can claim."""
        return f"{self.distribution}/{self.name}"

    @property
    def owner(self) -> str:
        """Distribution and version, for messages."""
        return f"{self.distribution} {self.version}"

    @property
    def remedy(self) -> str:
        """The repair of a component that does not work."""
        if self.file:
            return f"repair {self.file}"
        return f"repair or uninstall {self.distribution}"


class Index:
    """All registered components, by kind and name, and the observers.

    Args:
        entries: in any order.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        found = sorted(
            entries, key=lambda e: (e.kind, e.name, not e.first_party, e.distribution)
        )
        self.entries = tuple(entry for entry in found if entry.kind != OBSERVER)
        # A package may register one observer twice; it is told everything once.
        watching = dict.fromkeys(entry for entry in found if entry.kind == OBSERVER)
        self.observers = tuple(sorted(watching, key=lambda each: each.qualified))
        claims: dict[tuple[str, str], list[Entry]] = {}
        for entry in self.entries:
            claims.setdefault((entry.kind, entry.name), []).append(entry)
        self._claims: Mapping[tuple[str, str], list[Entry]] = claims

    def of(self, kind: str) -> tuple[Entry, ...]:
        """The components of a kind, first-party before foreign under one name."""
        return tuple(entry for entry in self.entries if entry.kind == kind)

    def spelling(self, entry: Entry) -> str:
        """The shortest name an experiment can use: bare, or qualified where shared."""
        claims = self._claims[entry.kind, entry.name]
        if len(claims) == 1 or entry.first_party:
            return entry.name
        return entry.qualified

    def names(self, kind: str) -> tuple[str, ...]:
        """Every name of a kind that an experiment can use, sorted."""
        return tuple(sorted({self.spelling(entry) for entry in self.of(kind)}))

    def find(self, kind: str, name: str) -> Entry:
        """Looks a component up.

        Args:
            kind: a key of ``KINDS``.
            name: bare, or ``distribution/name``.

        Raises:
            PluginError: if no component has this name, or more than one.
        """
        if "/" in name:
            for entry in self.of(kind):
                if entry.qualified == name:
                    return entry
        claims = self._claims.get((kind, name), [])
        if len(claims) == 1 or (claims and claims[0].first_party):
            return claims[0]
        if claims:
            owners = " and ".join(entry.owner for entry in claims)
            spellings = " or ".join(f'"{entry.qualified}"' for entry in claims)
            raise PluginError(
                f'{kind} "{name}" is claimed by {owners}: write {spellings}'
            )
        raise PluginError(self.unknown(kind, name))

    def unknown(self, kind: str, name: str) -> str:
        """The message for an unknown name, with the nearest name."""
        elsewhere = [k for k in KINDS if (k, name) in self._claims]
        if elsewhere:
            kinds = " and ".join(f"{article(k)} {k}" for k in elsewhere)
            fact = f'"{name}" is {kinds}, not {article(kind)} {kind}'
        else:
            fact = f'no {kind} is called "{name}"'
        hint = did_you_mean(name, self.names(kind))
        return f"{fact}: {hint and f'{hint} '}installed: {', '.join(self.names(kind)) or 'none'}"


_FROM_FILES: dict[str, tuple[Entry, ...]] = {}


def register(file: str, entries: Iterable[Entry]) -> None:
    """Adds the components of a single file or folder to those of installed packages.

    Args:
        file: its path; what it registered before is forgotten.
        entries: its components.
    """
    _FROM_FILES[file] = tuple(entries)
    index.cache_clear()


@lru_cache(maxsize=1)
def index() -> Index:
    """Reads the metadata of all installed packages, once a process.

    With ``VQFW_NO_PLUGINS=1`` in the environment it has only first-party components and
    those of files and folders that were loaded; no observers. A loaded folder replaces an
    installed package of its name. A package with unreadable metadata has no components.
    """
    only_first_party = os.environ.get("VQFW_NO_PLUGINS", "") not in ("", "0")
    given = [each for its in _FROM_FILES.values() for each in its]
    replaced = {each.distribution for each in given}
    entries = [
        Entry(GROUPS[point.group], point.name, point.value, name, version)
        for name, version, points in installed()
        if name == FIRST_PARTY or not only_first_party
        if name not in replaced
        for point in points
        if point.group in GROUPS
    ]
    return Index([*entries, *given])


def installed() -> Iterator[tuple[str, str, list[metadata.EntryPoint]]]:
    """Name, version and entry points of every package whose metadata can be read."""
    seen = set()
    for distribution in metadata.distributions():
        try:
            name, version = _named(distribution)
            points = list(distribution.entry_points)
        except Exception:  # metadata of a half-removed package may raise anything
            continue
        # The first on the path is the one that imports; a second copy is shadowed.
        if name and name not in seen:
            seen.add(name)
            yield name, version, points


def _named(distribution: metadata.Distribution) -> tuple[str, str]:
    """Name and version; the properties of these names parse the whole text each time."""
    for file in ("METADATA", "PKG-INFO"):
        head = (distribution.read_text(file) or "").partition("\n\n")[0]
        found = dict(_HEAD.findall(head))
        if found:
            return found.get("Name", ""), found.get("Version", "")
    return "", ""


_HEAD = re.compile(r"^(Name|Version):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
GROUPS = {
    **{kind.group: kind.name for kind in KINDS.values()},
    OBSERVER_GROUP: OBSERVER,
}
