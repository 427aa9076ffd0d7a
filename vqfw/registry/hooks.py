"""Calls the observers of other packages, so that none can end or change a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import lru_cache
from importlib import metadata
from typing import Any, TypeVar

import pluggy

from vqfw.errors import PluginError, in_short
from vqfw.kinds.catalog import OBSERVER_GROUP
from vqfw.kinds.hooks import Hooks
from vqfw.registry.compatibility import require_compatible
from vqfw.registry.entries import Entry, index
from vqfw.registry.importing import contained, harmless
from vqfw.streams import tell
from vqfw.suggestions import did_you_mean

Item = TypeVar("Item")

HOOKS = tuple(name for name in vars(Hooks) if name.startswith("vqfw_"))
"""The names of all hooks, in the order in which a run comes to them."""


class Observers:
    """The attached observers.

    Args:
        say: called once with a message for each observer that is left out or detached.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        # A manager each, so that a call reaches one observer and fails for one.
        self._managers: dict[str, pluggy.PluginManager] = {}
        self.failures: list[dict[str, str]] = []

    def add(self, name: str, observer: Any) -> None:
        """Attaches an observer; one with functions that are no hooks is left out.

        Args:
            name: ``distribution/name``.
            observer: a module or object with marked functions.
        """
        manager = pluggy.PluginManager(OBSERVER_GROUP)
        manager.add_hookspecs(Hooks)
        try:
            _hooks_of(observer)
            manager.register(observer, name=name)
        except Exception as error:
            self.report(name, "import", error)
        else:
            self._managers[name] = manager

    def tell(self, hook: str, **arguments: Any) -> None:
        """Calls every observer of a hook, each on its own; those that raise are detached.

        Args:
            hook: its name.
            arguments: all that its specification lists.
        """
        for _ in self._answers(hook, arguments):
            pass

    def gather(
        self, hook: str, of: type[Item], **arguments: Any
    ) -> list[tuple[str, Item]]:
        """Calls every observer of a hook that returns a list, each on its own.

        Args:
            hook: its name.
            of: the type of the items; an observer that returns another is detached.
            arguments: all that its specification lists.

        Returns:
            The items, each with the name of its observer.
        """
        found: list[tuple[str, Item]] = []
        for name, answer in self._answers(hook, arguments):
            try:
                found += [(name, item) for item in _items(answer, of)]
            except PluginError as error:
                self._detach(name, hook, error)
        return found

    def report(
        self, observer: str, where: str, error: Exception, part: str = ""
    ) -> None:
        """Reports and records that an observer, or a part of one, failed and is detached.

        Args:
            observer: its name, ``distribution/name``.
            where: the hook or method that failed.
            error: that it raised.
            part: the part that is detached; an empty text is the whole observer.
        """
        reason = in_short(error)
        place = f"{part}.{where}" if part else where
        self.failures.append({"observer": observer, "hook": place, "error": reason})
        self.say(
            f'{f"{part} of " if part else ""}observer "{observer}" failed in {where} '
            f"({reason}) and is detached: repair or uninstall "
            f"{observer.partition('/')[0]}"
        )

    def _answers(
        self, hook: str, arguments: dict[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        """The results of each observer of a hook, except None."""
        for name, manager in list(self._managers.items()):
            # Each gets a copy, so that it cannot change the arguments of the others.
            own = {
                key: deepcopy(value) if isinstance(value, dict) else value
                for key, value in arguments.items()
            }
            try:
                with harmless():
                    returned = list(getattr(manager.hook, hook)(**own))
            except Exception as error:
                self._detach(name, hook, error)
                continue
            yield from ((name, each) for each in returned)

    def _detach(self, name: str, hook: str, error: Exception) -> None:
        # An observer may implement a hook twice, and fail twice.
        if self._managers.pop(name, None) is not None:
            self.report(name, hook, error)


def load_observer(entry: Entry) -> Any:
    """The module or object of hooks that a package has registered.

    Raises:
        PluginError: if it is made for another vqfw, or its import fails.
    """
    try:
        return _imported(entry)
    except PluginError:
        raise
    except Exception as error:
        raise PluginError(
            f"observer {entry.qualified} cannot be imported ({in_short(error)}): "
            f"{entry.remedy}"
        ) from error


def observer_fragment(entry: Entry) -> dict[str, Any]:
    """The documentation of an observer, as a schema without options; imports it.

    Raises:
        PluginError: if it cannot be imported, or has functions that are no hooks.
    """
    observer = load_observer(entry)
    try:
        used = ", ".join(_hooks_of(observer))
    except Exception as error:  # attributes may be code of the plugin's
        why = str(error) if isinstance(error, PluginError) else in_short(error)
        raise PluginError(
            f"observer {entry.qualified} cannot be used ({why}): {entry.remedy}"
        ) from error
    text = inspect.getdoc(observer) or ""
    return {
        "type": "object",
        "description": " ".join(text.split("\n\n")[0].split()),
        "markdownDescription": f"{text}\n\nHooks: {used}.".lstrip(),
        "properties": {},
        "additionalProperties": False,
    }


def _imported(entry: Entry) -> Any:
    require_compatible(entry)
    with contained():
        return metadata.EntryPoint(entry.name, entry.target, OBSERVER_GROUP).load()


@lru_cache(maxsize=1)
def observers() -> Observers:
    """The observers of all installed packages, imported once a process."""
    found = Observers(tell)
    for entry in index().observers:
        try:
            observer = _imported(entry)
        except Exception as error:
            found.report(entry.qualified, "import", error)
        else:
            found.add(entry.qualified, observer)
    return found


def _items(answer: Any, of: type[Item]) -> list[Item]:
    if isinstance(answer, list | tuple):
        if all(isinstance(each, of) for each in answer):
            return list(answer)
        answer = next(each for each in answer if not isinstance(each, of))
        got = f"a list with {type(answer).__name__} in it"
    else:
        got = type(answer).__name__
    raise PluginError(f"it returns {got}: return a list of {of.__name__}")


def _hooks_of(observer: Any) -> tuple[str, ...]:
    """The hooks that an observer has, each once, if all its functions can be called."""
    marked = {
        name: value
        for name in dir(observer)
        if hasattr(
            value := inspect.getattr_static(observer, name), f"{OBSERVER_GROUP}_impl"
        )
    }
    forgotten = [name for name in HOOKS if _is_unmarked(observer, name)]
    if forgotten:
        raise PluginError(
            f"{forgotten[0]} is not marked and would never be called: write @hook of "
            "vqfw.kinds.hooks above it"
        )
    if not marked:
        raise PluginError("it has no hooks: mark functions with @hook")
    used: list[str] = []
    for called, function in marked.items():
        options = getattr(function, f"{OBSERVER_GROUP}_impl")
        name = options["specname"] or called
        if options["wrapper"] or options["hookwrapper"]:
            raise PluginError(
                f"{called} wraps the hooks of others, and each observer is called alone: "
                "write @hook without wrapper"
            )
        if name not in HOOKS:
            raise PluginError(f'there is no hook "{name}": {_instead(name, HOOKS)}')
        _require_arguments(name, function)
        used.append(name)
    return tuple(dict.fromkeys(used))


def _is_unmarked(observer: Any, name: str) -> bool:
    found = getattr(observer, name, None)
    return callable(found) and not hasattr(found, f"{OBSERVER_GROUP}_impl")


def _require_arguments(name: str, function: Any) -> None:
    known = arguments_of(name)
    for argument in inspect.signature(function).parameters:
        if argument not in (*known, "self"):
            told = _instead(argument, known) if known else "it takes none"
            raise PluginError(f'{name} has no argument "{argument}": {told}')


def arguments_of(hook: str) -> tuple[str, ...]:
    """The names of all arguments of a hook."""
    found = inspect.signature(getattr(Hooks, hook)).parameters
    return tuple(name for name in found if name != "self")


def _instead(name: str, known: tuple[str, ...]) -> str:
    return did_you_mean(name, known) or f"there are {', '.join(known)}"
