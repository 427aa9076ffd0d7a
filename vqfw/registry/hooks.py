"""Calls the observers of other packages, so that none can end or change a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache
from importlib import metadata
from typing import Any

import pluggy

from vqfw.errors import PluginError
from vqfw.kinds.hooks import GROUP, Hooks
from vqfw.registry.compatibility import require_compatible
from vqfw.registry.importing import contained, harmless
from vqfw.registry.index import FIRST_PARTY, Entry

_NAMES = tuple(name for name in vars(Hooks) if name.startswith("vqfw_"))


class Observers:
    """The installed observers that work.

    Args:
        say: told once of each observer that is left out or detached.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(Hooks)
        self.failures: list[dict[str, str]] = []

    def attach(self, entry: Entry) -> None:
        """Imports an observer; one that cannot be used is reported and left out."""
        try:
            require_compatible(entry)
            with contained():
                found = metadata.EntryPoint(entry.name, entry.target, GROUP).load()
            self._manager.register(found, name=entry.qualified)
            self._refuse_unknown(found)
            self._manager.check_pending()
        except Exception as error:
            self._detach(entry.qualified, "import", error)

    def tell(self, hook: str, **arguments: Any) -> list[Any]:
        """Calls every observer of a hook, each on its own.

        Args:
            hook: its name.
            arguments: all that its specification lists.

        Returns:
            What they returned, without None; those that raised are detached.
        """
        returned: list[Any] = []
        everyone = self._manager.list_name_plugin()
        for name, observer in everyone:
            others = [other for _, other in everyone if other is not observer]
            call = self._manager.subset_hook_caller(hook, remove_plugins=others)
            try:
                with harmless():
                    returned += call(**arguments)
            except Exception as error:
                self._detach(name, hook, error)
        return returned

    def _refuse_unknown(self, observer: Any) -> None:
        """Finds functions that are marked as hooks and are called like none."""
        for caller in self._manager.get_hookcallers(observer) or ():
            if not caller.has_spec():
                close = get_close_matches(caller.name, _NAMES, n=1)
                hint = (
                    f'did you mean "{close[0]}"' if close else f"write one of {_NAMES}"
                )
                raise PluginError(f'there is no hook "{caller.name}": {hint}?')

    def _detach(self, name: str, hook: str, error: Exception) -> None:
        if self._manager.has_plugin(name):
            self._manager.unregister(name=name)
        reason = f"{type(error).__name__}: {error}"
        self.failures.append({"observer": name, "hook": hook, "error": reason})
        self._say(
            f'observer "{name}" failed in {hook} ({reason}) and is detached: repair or '
            f"uninstall {name.partition('/')[0]}"
        )


@lru_cache(maxsize=1)
def observers() -> Observers:
    """The observers of all installed packages, imported once a process.

    With ``VQFW_NO_PLUGINS=1`` in the environment there are none.
    """
    found = Observers(lambda text: print(text, file=sys.stderr))
    if os.environ.get("VQFW_NO_PLUGINS", "") not in ("", "0"):
        return found
    for point in metadata.entry_points(group=GROUP):
        owner = point.dist
        if owner is not None and owner.name != FIRST_PARTY:
            names = (point.name, point.value, owner.name, owner.version)
            found.attach(Entry("observer", *names))
    return found
