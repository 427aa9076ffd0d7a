"""Components from a single Python file, without a package around it.

A file runs only because a person names it on the command line or in Python; an experiment
file holds names and never brings code along. A run records the file with its checksum, and
what goes on with the run loads the same bytes or nothing: those of a file that this person
names again, or has run before on this machine. A path in a record runs nothing.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import shlex
import stat
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PureWindowsPath
from types import ModuleType
from typing import NamedTuple

from vqfw.errors import PluginError, UsageError, in_short
from vqfw.kinds.catalog import KINDS
from vqfw.registry.contract import owed, unwritten
from vqfw.registry.entries import Entry, index, register
from vqfw.registry.importing import contained
from vqfw.runs.trusted import trust, trusted_path

# A file that a record names is read only up to here; source code is far below.
_MOST_BYTES = 16 << 20
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

    @property
    def name(self) -> str:
        """The file's own name, whichever system wrote the path."""
        return PureWindowsPath(self.path).name

    def record(self) -> dict[str, str]:
        """The same as plain data."""
        return asdict(self)


class _Source(NamedTuple):
    """A file that was read: what is hashed is what is run."""

    file: PluginFile
    content: bytes


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
    source = _read(Path(path))
    return _entries(source.file) if _is_loaded(source.file) else _loaded(source)


def load_recorded(
    recorded: Sequence[PluginFile],
    named: Sequence[str | Path] = (),
    again: str = "vqfw",
) -> None:
    """Loads the files again that a run was made with.

    Args:
        recorded: by the run, which may be a stranger's.
        named: files of this person's choice; wherever one lies, it must have the checksum
            of a recorded one. What is recorded and not among them must have been run
            before on this machine.
        again: the command of this call, to which a repair adds ``--plugin FILE``.

    Raises:
        UsageError: if a named file cannot be read.
        PluginError: if a file is missing, is another one or was never vouched for;
            before any of them runs.
    """
    offered = [_read(Path(each)) for each in named]
    for source in offered:
        _require_recorded(source.file, recorded, again)
    known = {each.sha256 for each in _LOADED.values()}
    missing = [was for was in recorded if was.sha256 not in known]
    chosen = [(was, _chosen(was, offered, again)) for was in missing]
    for was, source in chosen:
        _loaded(source, was.name)


def _require_recorded(
    file: PluginFile, recorded: Sequence[PluginFile], again: str
) -> None:
    if any(file.sha256 == was.sha256 for was in recorded):
        return
    if not recorded:
        raise PluginError("the run was made without plugin files: leave --plugin out")
    files = " and ".join(f"{was.name} (sha256 {was.sha256[:12]})" for was in recorded)
    raise PluginError(
        f"{file.path} (sha256 {file.sha256[:12]}) is no file that the run was made with, "
        f"which are {files}: bring that version, then {again} --plugin {recorded[0].name}"
    )


def _chosen(was: PluginFile, offered: Sequence[_Source], again: str) -> _Source:
    """The file that a run was made with, if this person has vouched for it.

    Raises:
        PluginError: if not, with the command that does.
    """
    for source in offered:
        if source.file.sha256 == was.sha256:
            return source
    trusted = trusted_path(was.sha256)
    # Only from where this person ran it: what such code finds beside itself counts too,
    # and at the path of a record that may be a stranger's.
    found = None if trusted is None else _read_regular(trusted)
    if found is not None and found.file.sha256 == was.sha256:
        return found
    short, copy = was.sha256[:12], _read_regular(was.path)
    is_same = copy is not None and copy.file.sha256 == was.sha256
    command = f"{again} --plugin {shlex.quote(was.path if is_same else was.name)}"
    if trusted is None:
        missing = "" if is_same else f"ask its author for {was.name}, "
        raise PluginError(
            f"the run needs the code of {was.path} (sha256 {short}), which you have not "
            f"run on this machine: {missing}read it, and if you trust it: {command}"
        )
    if found is not None:
        raise PluginError(
            f"{trusted} has changed since the run was made with it (sha256 {short} then, "
            f"{found.file.sha256[:12]} now): put the old file back, or name a copy of it: "
            f"{command}"
        )
    raise PluginError(
        f"the run was made with {trusted}, which is not there any more: put the file "
        f"back, or name a copy of it: {command}"
    )


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


def _read(path: Path) -> _Source:
    path = Path(os.path.expanduser(path)).absolute()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the plugin {path} cannot be read ({error.strerror}): give the path of a "
            "Python file"
        ) from error
    return _source(str(path), content)


def _read_regular(path: str) -> _Source | None:
    """What lies at a path of a record; None if that is no file of source code."""
    try:
        # Opening a pipe would wait for its writer.
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return None
        return _source(path, Path(path).read_bytes())
    except (OSError, ValueError):
        return None


def _source(path: str, content: bytes) -> _Source:
    return _Source(PluginFile(path, hashlib.sha256(content).hexdigest()), content)


def _is_loaded(file: PluginFile) -> bool:
    return _LOADED.get(file.path) == file


def _module_name(path: Path) -> str:
    return "vqfw_plugin_" + re.sub(r"\W", "_", path.stem)


def _loaded(source: _Source, called: str = "") -> tuple[Entry, ...]:
    """Runs a file; ``called`` is its name in the experiment where that is another."""
    file = source.file
    name = called or file.name
    module = ModuleType(_module_name(Path(name)))
    module.__file__ = file.path
    previous = sys.modules.get(module.__name__)
    twin = getattr(previous, "__file__", file.path)
    if twin != file.path and twin in _LOADED:
        raise PluginError(
            f"{file.path} and {twin} are called the same, and so would their "
            "components be: rename one"
        )
    sys.modules[module.__name__] = module
    try:
        with contained():
            # This person has named the file; no experiment and no run can. Executing
            # the bytes that were hashed keeps the record of a run true.
            exec(compile(source.content, file.path, "exec"), module.__dict__)
        entries = _defined(module, file, name)
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
    trust(file.sha256, file.path)
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


def _defined(module: ModuleType, file: PluginFile, called: str) -> tuple[Entry, ...]:
    """The components of a module that it defines itself, in their order."""
    entries = []
    for value in vars(module).values():
        kind = str(getattr(value, "vqfw_kind", ""))
        own = isinstance(value, type) and value.__module__ == module.__name__
        if not own or kind not in KINDS or unwritten(value):
            continue
        name = component_name(value, kind)
        target = f"{module.__name__}:{value.__qualname__}"
        entries.append(Entry(kind, name, target, called, file.sha256[:12], file.path))
    if not entries:
        raise PluginError(f"{file.path} defines no component: {_instead(module)}")
    _require_distinct(entries)
    return tuple(entries)


def _instead(module: ModuleType) -> str:
    """What a file without a component defines, and what is missing of it."""
    bases = "Quantizer, Loss or another contract of vqfw.kinds"
    told, functions = [], []
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        kind = getattr(value, "vqfw_kind", None)
        if isinstance(value, type) and kind in KINDS:
            told.append(owed(value))
        elif isinstance(value, type) and kind is not None:
            told.append(
                f"class {name} is of kind {kind!r}, which is unknown: set vqfw_kind to "
                f"one of {', '.join(KINDS)}"
            )
        elif isinstance(value, type):
            told.append(f"class {name} has no kind: derive it from {bases}")
        elif inspect.isfunction(value):
            functions.append(name)
    if not told and functions:
        return (
            f"it has no class, only function {functions[0]}: write a class derived from "
            f"{bases}"
        )
    return "; ".join(told[:3]) or f"it has no class: write one derived from {bases}"


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
