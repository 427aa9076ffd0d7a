"""Components from a single Python file, without a package around it.

A file runs only if a person names it on the command line or in Python; an experiment has
names and no code. A run records the file with its checksum, and resuming or scoring the run
needs the same bytes: of a file that is named again, or that this person has run before on
this machine. A path in a record runs nothing.
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
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from traceback import walk_tb
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
    """A loaded file of components.

    Args:
        path: absolute.
        sha256: of the bytes that ran.
    """

    path: str
    sha256: str

    @property
    def name(self) -> str:
        """The file name, of a path of any system."""
        return PureWindowsPath(self.path).name


class _Source(NamedTuple):
    """A file that was read: what is hashed is what is run."""

    file: PluginFile
    content: bytes


_LOADED: dict[str, PluginFile] = {}


def plugin_files() -> tuple[PluginFile, ...]:
    """The files that this process has loaded."""
    return tuple(_LOADED.values())


def load_file(path: str | Path) -> tuple[Entry, ...]:
    """Runs a Python file and registers the components that it defines.

    The name of a component is its class attribute ``name``, or the name of its class in
    snake_case without the kind at its end: ``CosineQuantizer`` is ``cosine``. If vqfw has a
    component of that name, an experiment writes ``file.py/name``.

    Args:
        path: of the file; the same content is run once.

    Returns:
        Its components, at least one.

    Raises:
        UsageError: if there is no such file.
        PluginError: if it cannot be run, or defines no component.
    """
    source = _read(Path(path))
    if _LOADED.get(source.file.path) != source.file:
        return _loaded(source)
    return tuple(each for each in index().entries if each.file == source.file.path)


def load_recorded(
    recorded: Sequence[PluginFile],
    named: Sequence[str | Path] = (),
    again: str = "vqfw",
) -> None:
    """Loads the files again that a run was made with.

    Args:
        recorded: by the run, which may be another person's.
        named: files that this person names; each must have the checksum of a recorded
            one. A recorded file that is not among them must have run before on this
            machine.
        again: the command of this call, to which a repair adds ``--plugin FILE``.

    Raises:
        UsageError: if a named file cannot be read.
        PluginError: if a file is missing, has changed or is not trusted; before any runs.
    """
    offered = [_read(Path(each)) for each in named]
    for source in offered:
        _require_recorded(source.file, recorded, again)
    loaded = {each.sha256 for each in _LOADED.values()}
    missing = [was for was in recorded if was.sha256 not in loaded]
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
        f"the run was made with {files}, not with {file.path} (sha256 "
        f"{file.sha256[:12]}): get that version, then {again} --plugin {recorded[0].name}"
    )


def _chosen(was: PluginFile, offered: Sequence[_Source], again: str) -> _Source:
    """A file that a run was made with, if this person names it or has run it before."""
    for source in offered:
        if source.file.sha256 == was.sha256:
            return source
    trusted = trusted_path(was.sha256)
    # From the path where this person ran it: the files beside the path of a record may be
    # another person's, and the code may read them.
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
        f"the run was made with {trusted}, which is missing: put the file back, or name "
        f"a copy of it: {command}"
    )


def component_name(component: type, kind: str) -> str:
    """The name of a class without an entry point in an experiment.

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
    """The file at a path of a record; None if that is no file of source code."""
    try:
        # Opening a pipe waits for its writer.
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return None
        return _source(path, Path(path).read_bytes())
    except (OSError, ValueError):
        return None


def _source(path: str, content: bytes) -> _Source:
    return _Source(PluginFile(path, hashlib.sha256(content).hexdigest()), content)


def _loaded(source: _Source, called: str = "") -> tuple[Entry, ...]:
    """Runs a file; ``called`` is its name in the experiment, if that is another."""
    file = source.file
    name = called or file.name
    module = ModuleType("vqfw_plugin_" + re.sub(r"\W", "_", Path(name).stem))
    module.__file__ = file.path
    previous = sys.modules.get(module.__name__)
    twin = getattr(previous, "__file__", file.path)
    if twin != file.path and twin in _LOADED:
        raise PluginError(
            f"{file.path} and {twin} have the same name, and their components would too: "
            "rename one"
        )
    sys.modules[module.__name__] = module
    try:
        with contained():
            # A person has named the file. The bytes that run are those of the checksum.
            exec(compile(source.content, file.path, "exec"), module.__dict__)
        entries = _defined(module, file, name)
    except BaseException as error:
        sys.modules.pop(module.__name__, None)
        if previous is not None:
            sys.modules[module.__name__] = previous
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


def _line(error: Exception, path: str) -> str:
    """The line of the file that raised an error."""
    lines = [error.lineno] if isinstance(error, SyntaxError) and error.lineno else []
    for frame, line in walk_tb(error.__traceback__):
        if frame.f_code.co_filename == path:
            lines.append(line)
    return f", line {lines[-1]}" if lines else ""


def _defined(module: ModuleType, file: PluginFile, called: str) -> tuple[Entry, ...]:
    """The components that a module defines itself, in their order."""
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
    """What a file defines instead of a component, and the repair."""
    bases = "Quantizer, Loss or another contract of vqfw.kinds"
    classes, functions = [], []
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        kind = getattr(value, "vqfw_kind", None)
        if isinstance(value, type) and kind in KINDS:
            classes.append(owed(value))
        elif isinstance(value, type) and kind is not None:
            classes.append(
                f"class {name} is of kind {kind!r}, which is unknown: set vqfw_kind to "
                f"one of {', '.join(KINDS)}"
            )
        elif isinstance(value, type):
            classes.append(f"class {name} has no kind: derive it from {bases}")
        elif inspect.isfunction(value):
            functions.append(name)
    if classes:
        return "; ".join(classes[:3])
    only = f", only function {functions[0]}" if functions else ""
    return f"it has no class{only}: write a class derived from {bases}"


def _require_distinct(entries: list[Entry]) -> None:
    by_name: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        other = by_name.setdefault((entry.kind, entry.name), entry)
        if other is not entry:
            classes = " and ".join(x.target.partition(":")[2] for x in (other, entry))
            raise PluginError(
                f'{classes} of {entry.file} are both {entry.kind} "{entry.name}": give '
                'one of them another name, as in name = "other"'
            )
