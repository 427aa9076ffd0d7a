"""Keeps the schema fragments of other packages, until one of their source files changes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from glob import escape
from importlib.util import find_spec
from pathlib import Path

from vqfw.errors import PluginError
from vqfw.registry.compatibility import own_version
from vqfw.registry.constructors import check_fragment
from vqfw.registry.entries import Entry
from vqfw.registry.parameters import Schema
from vqfw.runs.places import cache_folder


def cached_fragment(entry: Entry) -> Schema | None:
    """The fragment of a component in the cache, if any; no code of its package runs."""
    # The file name has a checksum of the sources in it, which most need not compute.
    folder = _folder()
    if folder is None or not any(folder.glob(f"{escape(_label(entry))}-*.json")):
        return None
    with suppress(OSError, ValueError, PluginError):
        kept: Schema = json.loads((folder / _file_name(entry)).read_text("utf-8"))
        check_fragment(kept, entry)
        return kept
    return None


def keep_fragment(entry: Entry, fragment: Schema) -> None:
    """Writes the fragment of a component into the cache, where that can be written."""
    folder = _folder()
    if folder is None:
        return
    # A cache that cannot be written costs time, nothing else.
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=folder, suffix=".part", delete=False, encoding="utf-8"
        ) as file:
            json.dump(fragment, file)
        os.replace(file.name, folder / _file_name(entry))


def _folder() -> Path | None:
    cache = cache_folder()
    return None if cache is None else cache / "fragments"


def _label(entry: Entry) -> str:
    return f"{entry.distribution}-{entry.version}".replace(os.sep, "_")


def _file_name(entry: Entry) -> str:
    """Another name whenever the fragment may be another: by release and source files."""
    digest = hashlib.sha256()
    for part in (entry.kind, entry.name, entry.target, entry.owner, own_version()):
        digest.update(part.encode() + b"\0")
    digest.update(source_checksum(entry).encode())
    return f"{_label(entry)}-{digest.hexdigest()[:24]}.json"


def source_checksum(entry: Entry) -> str:
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
