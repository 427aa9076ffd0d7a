"""The schema fragments of components: taken from constructors, checked, and cached.

The fragments of vqfw's own components ship with it. One of another package is read from
its constructor once, in a child process with a deadline, so that checking an experiment
imports no Keras, and a package that crashes, prints or hangs harms nothing but itself.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from glob import escape
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, TypeAlias

from vqfw.errors import PluginError, in_short
from vqfw.kinds.catalog import KINDS, OBSERVER
from vqfw.registry import importing
from vqfw.registry.backends import chosen_backend, installed_backends
from vqfw.registry.building import load_entry
from vqfw.registry.compatibility import own_version, require_compatible
from vqfw.registry.entries import Entry
from vqfw.registry.importing import HungError
from vqfw.registry.parameters import Schema, fragment
from vqfw.runs.places import cache_folder

# A child that still runs is stuck in native code, which Python cannot interrupt.
STUCK_SECONDS = 300.0

# Keywords that mean the same in draft-07 and 2020-12, reach nothing outside, and cost no
# more than the value is long (a regular expression may cost anything).
_PLAIN_KEYWORDS = frozenset(
    {
        "before", "const", "default", "deprecated", "description", "enum", "examples",
        "exclusiveMaximum", "exclusiveMinimum", "format", "introduced",
        "markdownDescription", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum",
        "multipleOf", "required", "title", "type", "uniqueItems",
    }
)  # fmt: skip
_SCHEMA_KEYWORDS = frozenset({"if", "then", "else", "items", "not"})
_LIST_KEYWORDS = frozenset({"allOf", "anyOf"})
_ROOT_KEYWORDS = frozenset(
    {
        "type", "title", "description", "markdownDescription", "properties", "required",
        "additionalProperties",
    }
)  # fmt: skip


Answer: TypeAlias = Schema | PluginError
Answers: TypeAlias = dict[Entry, Answer]

# The code that hung in this process already, so that its other components, and the next
# question about this one, do not cost as much again.
_HUNG: set[str] = set()


def component_fragment(entry: Entry) -> Schema:
    """Reads the fragment of a component from its constructor; imports the component.

    Raises:
        PluginError: if it cannot be imported, or its options fit no JSON file.
    """
    if entry.kind == OBSERVER:
        return _observer_fragment(entry)
    component = load_entry(entry)
    try:
        found = fragment(component, KINDS[entry.kind], entry.name)
    except PluginError as error:
        raise _refused(entry, str(error)) from error
    except Exception as error:  # annotations are code of the plugin's
        why = f"its annotations raise {in_short(error)}"
        raise _refused(entry, why) from error
    text = re.split(r"\n(?:Args|Examples?):", inspect.getdoc(component) or "")[0]
    found["markdownDescription"] = re.sub("(?<!`)``(?!`)", "`", text.strip())
    check_fragment(found, entry)
    return found


def _observer_fragment(entry: Entry) -> Schema:
    # pluggy takes longer to import than a listing that needs none of this.
    from vqfw.registry.hooks import observer_fragment

    return observer_fragment(entry)


def check_fragment(found: Any, entry: Entry) -> None:
    """Refuses a fragment that could reach outside itself, or is no schema.

    Raises:
        PluginError: naming the component, the keyword and where it stands.
    """
    from jsonschema import Draft202012Validator, SchemaError

    try:
        json.dumps(found, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise _refused(entry, f"a default is no JSON ({error})") from error
    try:
        Draft202012Validator.check_schema(found)
    except SchemaError as error:
        path = "/".join(str(part) for part in error.absolute_path)
        raise _refused(
            entry, f'"{path}" is no JSON Schema ({error.message})'
        ) from error
    if not isinstance(found, dict) or found.get("additionalProperties") is not False:
        raise _refused(entry, "it is not a closed object")
    if set(found) - _ROOT_KEYWORDS:
        raise _refused(
            entry, f'"{min(set(found) - _ROOT_KEYWORDS)}" stands at its root'
        )
    for key, schema in found.get("properties", {}).items():
        _check_keywords(schema, entry, key)


def _check_keywords(schema: Any, entry: Entry, at: str) -> None:
    if not isinstance(schema, Mapping):
        return
    for keyword, value in schema.items():
        here = f"{at}/{keyword}"
        if keyword == "$ref":
            if str(value).removeprefix("#/$defs/") not in KINDS:
                raise _refused(entry, f'"{here}" points to {value!r}, not to a kind')
        elif keyword in ("properties", "additionalProperties"):
            each = value.items() if keyword == "properties" else [(keyword, value)]
            for key, below in each:
                _check_keywords(below, entry, f"{at}/{key}")
        elif keyword in _SCHEMA_KEYWORDS:
            _check_keywords(value, entry, here)
        elif keyword in _LIST_KEYWORDS:
            for below in value:
                _check_keywords(below, entry, here)
        elif keyword not in _PLAIN_KEYWORDS:
            raise _refused(entry, f'"{here}" is a keyword that a component may not use')


def _refused(entry: Entry, why: str) -> PluginError:
    return PluginError(
        f'the options of {entry.kind} "{entry.name}" of {entry.owner} cannot be used: '
        f"{why}; change the annotations of {entry.target}"
    )


def foreign_fragments(
    entries: Iterable[tuple[Entry, str]],
) -> tuple[dict[tuple[str, str], Schema], dict[tuple[str, str], str]]:
    """The fragments of components of other packages, from the cache where it has them.

    Args:
        entries: which, each with the name that experiments use for it.

    Returns:
        Fragments by kind and name; and, for those that have none, the reason.
    """
    found: dict[tuple[str, str], Schema] = {}
    failed: dict[tuple[str, str], str] = {}
    named = list(entries)
    read = fragments_of(entry for entry, _ in named)
    for entry, name in named:
        result = read[entry]
        if isinstance(result, PluginError):
            failed[entry.kind, name] = str(result)
        else:
            properties = {**result["properties"], "type": {"const": name}}
            found[entry.kind, name] = {**result, "properties": properties}
    return found, failed


def kept_fragment(entry: Entry) -> Schema | None:
    """What the cache knows of a component; no code of its package runs."""
    # The name of what is kept has the sum of the sources in it; most have nothing kept.
    folder = _folder()
    if folder is None or not any(folder.glob(f"{escape(_label(entry))}-*.json")):
        return None
    with suppress(OSError, ValueError, PluginError):
        kept: Schema = json.loads((folder / _place(entry)).read_text("utf-8"))
        check_fragment(kept, entry)
        return kept
    return None


def read_fragments(entries: Iterable[Entry]) -> Answers:
    """Fragments as the code of components gives them now, whatever the cache says.

    Returns:
        For each component its fragment, or why it has none.
    """
    found, installed = _answers(entries, _known_here)
    for entry, answered in _from_children(installed):
        if not isinstance(answered, PluginError):
            try:
                check_fragment(answered, entry)
            except PluginError as error:
                answered = error
        found[entry] = answered
    return found


def fragments_of(entries: Iterable[Entry]) -> Answers:
    """The fragments of components of other packages, from the cache where it has them.

    Returns:
        For each component its fragment, or why it has none.
    """
    found, unknown = _answers(entries, _known)
    folder = _folder()
    for entry, fresh in read_fragments(unknown).items():
        found[entry] = fresh
        # A cache that cannot be written costs time, nothing else.
        with suppress(OSError):
            if folder is not None and not isinstance(fresh, PluginError):
                _keep(folder, _place(entry), fresh)
    return found


def fragment_of(entry: Entry) -> Schema:
    """The fragment of a component of another package, from the cache where it has it.

    Raises:
        PluginError: if it cannot be read.
    """
    found = fragments_of([entry])[entry]
    if isinstance(found, PluginError):
        raise found
    return found


def _answers(
    entries: Iterable[Entry], look: Callable[[Entry], Schema | None]
) -> tuple[Answers, list[Entry]]:
    """What can be told at once, and the components for which that is nothing."""
    found: Answers = {}
    unknown = []
    for entry in dict.fromkeys(entries):
        try:
            known = look(entry)
        except PluginError as error:
            found[entry] = error
            continue
        if known is None:
            unknown.append(entry)
        else:
            found[entry] = known
    return found, unknown


def _known_here(entry: Entry) -> Schema | None:
    require_compatible(entry)
    # A file has run in this process already.
    return None if entry.file is None else component_fragment(entry)


def _known(entry: Entry) -> Schema | None:
    require_compatible(entry)
    if entry.target.partition(":")[0] in sys.modules:
        return component_fragment(entry)
    return kept_fragment(entry)


def _keep(folder: Path, name: str, fresh: Schema) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=folder, suffix=".part", delete=False, encoding="utf-8"
    ) as file:
        json.dump(fresh, file)
    os.replace(file.name, folder / name)


def _place(entry: Entry) -> str:
    return f"{_identity(entry)}.json"


def _folder() -> Path | None:
    cache = cache_folder()
    return None if cache is None else cache / "fragments"


def _label(entry: Entry) -> str:
    return f"{entry.distribution}-{entry.version}".replace(os.sep, "_")


def _identity(entry: Entry) -> str:
    """Changes whenever the fragment might: distribution, version and its source files."""
    digest = hashlib.sha256()
    for part in (entry.kind, entry.name, entry.target, entry.owner, own_version()):
        digest.update(part.encode() + b"\0")
    digest.update(_code(entry).encode())
    return f"{_label(entry)}-{digest.hexdigest()[:24]}"


def _code(entry: Entry) -> str:
    """A checksum of the module of a component and its neighbours."""
    digest = hashlib.sha256(entry.target.partition(":")[0].encode())
    for source in _sources(entry):
        with suppress(OSError):
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _sources(entry: Entry) -> list[Path]:
    """The module's file and its neighbours, found without importing anything."""
    top, *below = entry.target.partition(":")[0].split(".")
    with suppress(ImportError, ValueError, AttributeError):
        spec = find_spec(top)
        if spec is None:
            return []
        if not below and spec.origin and not spec.submodule_search_locations:
            return [Path(spec.origin)]
        roots = [Path(root, *below) for root in spec.submodule_search_locations or ()]
        folders = [root if root.is_dir() else root.parent for root in roots]
        return sorted(path for folder in folders for path in folder.glob("*.py"))
    return []


# The paths come from the parent without the empty one, which would stand for the working
# folder and let a file there pass for a library.
_CHILD = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from vqfw.registry.fragments import answer; answer(*json.loads(sys.argv[2]))"
)


# Reading a signature needs no accelerator, and must not take its memory from a training.
_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def _from_children(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Answer]]:
    """What a child process answers about each component.

    One child, and so one import of a backend, answers about all. Where a package ends the
    child, or hangs, another child goes on with those that are left.
    """
    waiting = list(entries)
    while waiting:
        asked = []
        for entry in waiting:
            if _code(entry) in _HUNG:
                yield entry, _hung(entry)
            else:
                asked.append(entry)
        lines, end = _child(asked) if asked else ([], "")
        yield from (
            (entry, _answered(entry, line))
            for entry, line in zip(asked, lines, strict=False)
        )
        waiting = asked[len(lines) :]
        if waiting and not (lines and "hung" in lines[-1]):
            yield waiting[0], _unreadable(waiting[0], end)
            waiting = waiting[1:]


def _child(entries: Sequence[Entry]) -> tuple[list[dict[str, Any]], str]:
    """The answers of one child, in order; and how it ended, for one that it still owed."""
    asked = [
        [entry.kind, entry.name, entry.target, entry.distribution, entry.version]
        for entry in entries
    ]
    seconds = importing.IMPORT_SECONDS
    command = [sys.executable, "-P", "-c", _CHILD]
    command += [json.dumps([path for path in sys.path if path])]
    command += [json.dumps([asked, seconds])]
    with subprocess.Popen(
        command,
        env={**os.environ, **_ENVIRONMENT, "KERAS_BACKEND": _backend()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        try:
            output, _ = child.communicate(timeout=STUCK_SECONDS)
            end = f"its import ended Python with exit code {child.returncode}"
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                _kill(child)
            output, _ = child.communicate()
            end = f"its import did not end within {STUCK_SECONDS:.0f} seconds"
    lines = []
    with suppress(ValueError):  # the child ended in the middle of a line
        lines += [json.loads(line) for line in output.splitlines()]
    return lines, end


def _answered(entry: Entry, line: Mapping[str, Any]) -> Answer:
    if "hung" in line:
        _HUNG.add(_code(entry))
        return _hung(entry)
    return PluginError(line["error"]) if "error" in line else dict(line["fragment"])


def _hung(entry: Entry) -> PluginError:
    return _unreadable(entry, importing.too_long(importing.IMPORT_SECONDS))


def _backend() -> str:
    """The backend of this process, or one that is installed; signatures agree on all.

    Keras' backend "numpy" starts faster, but it imports JAX.
    """
    chosen, installed = chosen_backend(), installed_backends()
    return chosen if chosen in installed else (*installed, chosen)[0]


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Ends a child and, where a system has process groups, what the child has started."""
    if hasattr(os, "killpg"):
        os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()


def _unreadable(entry: Entry, why: str) -> PluginError:
    return PluginError(
        f'{entry.kind} "{entry.name}" of {entry.owner} is installed but cannot be '
        f"imported ({why}): {entry.remedy}"
    )


def answer(questions: Sequence[Sequence[str]], seconds: float) -> None:
    """Prints the fragments of components, a line of JSON each; a child's whole work.

    Args:
        questions: kind, name, target, distribution and version of each.
        seconds: by the clock that each import may take; the first that takes longer ends
            the process.
    """
    # A package may print while it is imported; only answers go to the real output.
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)
        for question in questions:
            _answer(Entry(*question), seconds, output)
        output.flush()
        os._exit(0)


def _answer(entry: Entry, seconds: float, output: IO[bytes]) -> None:
    only_one = threading.Lock()  # never given back: there is one answer

    def reply(answered: Mapping[str, Any]) -> None:
        line = json.dumps(answered).encode() + b"\n"
        if only_one.acquire(blocking=False):
            output.write(line)
            output.flush()
            if "hung" in answered:
                os._exit(0)

    # From a thread of its own, for code that catches everything and goes on.
    deadline = threading.Timer(seconds, reply, [{"hung": True}])
    deadline.daemon = True
    deadline.start()
    try:
        reply({"fragment": component_fragment(entry)})
    except PluginError as error:
        if error.__cause__ and isinstance(error.__cause__.__cause__, HungError):
            reply({"hung": True})
        reply({"error": str(error)})
    except (TypeError, ValueError) as error:
        reply({"error": str(_refused(entry, f"a default is no JSON ({error})"))})
    finally:
        deadline.cancel()
