"""Components from a single Python file, without a package around it.

A file runs only because a person names it on the command line or in Python; an experiment
file holds names and never brings code along. A run records the file with its checksum, and
what goes on with the run loads the same file or nothing.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

from vqfw.errors import PluginError, UsageError, in_short
from vqfw.kinds.catalog import KINDS
from vqfw.registry.importing import contained
from vqfw.registry.index import Entry, index, register

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*\Z")


@dataclass(frozen=True)
class PluginFile:
    """A file whose components this process knows.

    Args:
        path: absolute.
        sha256: of its bytes, as they were run.
    """

    path: str
    sha256: str

    def record(self) -> dict[str, str]:
        """The same as plain data."""
        return asdict(self)


_LOADED: dict[str, PluginFile] = {}


def plugin_files() -> tuple[PluginFile, ...]:
    """All files that were loaded by this process."""
    return tuple(_LOADED.values())


def load_file(path: str | Path) -> tuple[Entry, ...]:
    """Runs a Python file and registers the components that it defines.

    A component goes by its class attribute ``name``, or by the name of its class in
    snake_case without the kind at its end: ``CosineQuantizer`` is ``cosine``. First-party
    names stay reserved, as for packages; then ``file.py/name`` is the way to write it.

    Args:
        path: of the file; the same content is run once.

    Returns:
        What it registers, at least one.

    Raises:
        UsageError: if there is no such file.
        PluginError: if it cannot be run, or defines no component.
    """
    found, source = _read(Path(path))
    return _entries(found) if _is_loaded(found) else _loaded(found, source)


def load_recorded(recorded: Mapping[str, str]) -> None:
    """Loads a file again that a run was made with.

    Args:
        recorded: as ``PluginFile.record`` gives it.

    Raises:
        PluginError: if the file has gone or is another one by now, before any of it runs.
    """
    was = PluginFile(**recorded)
    try:
        found, source = _read(Path(was.path))
    except UsageError as error:
        raise PluginError(
            f"the run was made with {was.path}, which is not there any more: put the "
            "file back"
        ) from error
    if found.sha256 != was.sha256:
        raise PluginError(
            f"{was.path} has changed since the run was made with it (sha256 "
            f"{was.sha256[:12]} then, {found.sha256[:12]} now): put the old file back, "
            "or start a new run"
        )
    if not _is_loaded(found):
        _loaded(found, source)


def component_name(component: type, kind: str) -> str:
    """What a class without an entry point is called in an experiment.

    Raises:
        PluginError: if its attribute ``name`` cannot be one.
    """
    given = vars(component).get("name")
    if isinstance(given, str):
        if not _NAME.match(given):
            raise PluginError(
                f"{given!r} of {component.__qualname__} cannot name a component: use "
                'a-z 0-9 _ . -, as in name = "cosine"'
            )
        return given
    endings = {*KINDS[kind].bases, kind.title().replace("_", ""), "Scheduler"}
    bare = component.__name__
    for ending in sorted(endings, key=len, reverse=True):
        bare = bare.removesuffix(ending) or bare
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", bare).lower()


def _read(path: Path) -> tuple[PluginFile, bytes]:
    path = path.expanduser().absolute()
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the plugin {path} cannot be read ({error.strerror}): give the path of a "
            "Python file"
        ) from error
    return PluginFile(str(path), hashlib.sha256(source).hexdigest()), source


def _is_loaded(file: PluginFile) -> bool:
    return _LOADED.get(file.path) == file


def _module_name(path: Path) -> str:
    return "vqfw_plugin_" + re.sub(r"\W", "_", path.stem)


def _loaded(file: PluginFile, source: bytes) -> tuple[Entry, ...]:
    path = Path(file.path)
    twin = [other for other in _LOADED if Path(other).stem == path.stem]
    if twin and twin != [file.path]:
        raise PluginError(
            f"{file.path} and {twin[0]} are called the same, and so would their "
            "components be: rename one"
        )
    module = ModuleType(_module_name(path))
    module.__file__ = file.path
    previous = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        with contained():
            # A person named this file with --plugin; no experiment file can. Executing
            # the bytes that were hashed keeps the record of a run true.
            exec(compile(source, file.path, "exec"), module.__dict__)
        entries = _defined(module, file)
    except BaseException as error:
        _restore(module.__name__, previous)
        if isinstance(error, PluginError) or not isinstance(error, Exception):
            raise
        raise PluginError(
            f"the plugin {file.path} cannot be run "
            f"({in_short(error)}{_line(error, file.path)}): repair it"
        ) from error
    _LOADED[file.path] = file
    register(file.path, entries)
    return entries


def _restore(name: str, previous: ModuleType | None) -> None:
    if previous is None:
        sys.modules.pop(name, None)
    else:
        sys.modules[name] = previous


def _line(error: Exception, path: str) -> str:
    """Where in the file an error came up."""
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f", line {line}" if line else ""


def _defined(module: ModuleType, file: PluginFile) -> tuple[Entry, ...]:
    """The components of a module that it defines itself, in their order."""
    path = Path(file.path)
    entries = []
    for value in vars(module).values():
        kind = str(getattr(value, "vqfw_kind", ""))
        own = isinstance(value, type) and value.__module__ == module.__name__
        if not own or kind not in KINDS or inspect.isabstract(value):
            continue
        name = component_name(value, kind)
        target = f"{module.__name__}:{value.__qualname__}"
        entries.append(
            Entry(kind, name, target, path.name, file.sha256[:12], str(path))
        )
    if not entries:
        raise PluginError(
            f"{file.path} defines no component: derive a class from one of vqfw.kinds, "
            "and leave none of its methods abstract"
        )
    _require_distinct(entries)
    return tuple(entries)


def _require_distinct(entries: list[Entry]) -> None:
    seen: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        other = seen.setdefault((entry.kind, entry.name), entry)
        if other is not entry:
            classes = f"{_class(other)} and {_class(entry)}"
            raise PluginError(
                f'{classes} of {entry.file} are both {entry.kind} "{entry.name}": give '
                'one of them another name, as in name = "other"'
            )


def _class(entry: Entry) -> str:
    return entry.target.partition(":")[2]


def _entries(file: PluginFile) -> tuple[Entry, ...]:
    return tuple(entry for entry in index().entries if entry.file == file.path)
