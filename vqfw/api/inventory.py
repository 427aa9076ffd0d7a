"""The installed components, observers and hooks, and the schema of experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vqfw.api.talk import Say
from vqfw.errors import UsageError
from vqfw.runs.outputs import checked_file, checked_folder, write_output
from vqfw.streams import tell

if TYPE_CHECKING:
    from vqfw.authoring.components import ComponentDescription
    from vqfw.authoring.hook_reference import HookDescription
    from vqfw.registry import Entry


def use_plugin(path: str | Path) -> tuple[Entry, ...]:
    """Runs a Python file and makes its components known to this process, by name.

    Runs record the file with its checksum. To resume or score one, the same bytes must be
    there still, or be named again; from now on they count as trusted on this machine.

    Args:
        path: of the file.

    Returns:
        What it defines.

    Raises:
        UsageError: if there is no such file.
        PluginError: if it cannot be run, or defines no component.
    """
    from vqfw.registry import load_file

    return load_file(path)


def components(kind: str | None = None) -> tuple[Entry, ...]:
    """Every installed component, or those of one kind; nothing is imported.

    Raises:
        UsageError: if there is no such kind.
    """
    from vqfw.kinds.catalog import KINDS, OBSERVER
    from vqfw.registry import index

    if kind is not None and kind not in KINDS:
        fact = f'there is no kind of component called "{kind}"'
        known = f"write one of {', '.join((*KINDS, OBSERVER))}"
        raise UsageError(f"{fact}: {known}")
    return tuple(each for each in index().entries if kind in (None, each.kind))


def survey(kind: str | None = None, check: bool = False) -> list[ComponentDescription]:
    """Every installed component and observer with its state, first sentence and options.

    Args:
        kind: only components of this kind, or ``observer``.
        check: whether to import each one and report what cannot be; otherwise nothing
            is imported, and what nobody has asked yet is not known.

    Raises:
        UsageError: if there is no such kind.
    """
    from vqfw.authoring.components import import_components, list_components
    from vqfw.kinds.catalog import OBSERVER

    entries = () if kind == OBSERVER else components(kind)
    watching = observers() if kind in (None, OBSERVER) else ()
    look = import_components if check else list_components
    return list(look((*entries, *watching)))


def describe(name: str) -> ComponentDescription:
    """All about one component: options, ranges, meaning, owner, a block to paste.

    Args:
        name: ``kind/name``, or the name alone where only one kind has it.

    Raises:
        UsageError: if the name does not say which component is meant.
        PluginError: if there is no such component, or it cannot be read.
    """
    from vqfw.authoring.components import describe_component, find_component

    return describe_component(find_component(name))


def hooks() -> tuple[HookDescription, ...]:
    """Every hook with its exact arguments and meaning."""
    from vqfw.authoring.hook_reference import describe_hooks

    return describe_hooks()


def observers() -> tuple[Entry, ...]:
    """The observers that packages have installed; nothing is imported."""
    from vqfw.registry import index

    return index().observers


def new_plugin(kind: str, name: str, folder: str | Path | None = None) -> Path:
    """Writes a package with one component that can be installed and passes its test.

    Args:
        kind: of the component, or ``image_augmentation``.
        name: what experiments will call it.
        folder: to write; None for ``vqfw-<name>`` in the working folder.

    Returns:
        The folder.

    Raises:
        UsageError: if the kind has no template, the name is taken, or the folder is not
            empty or cannot be written.
    """
    from vqfw.authoring.template import new_package

    if folder is not None:
        checked_folder(folder)
    return new_package(kind, name, None if folder is None else Path(folder))


def schema_text(say: Say = tell) -> str:
    """The JSON Schema of experiment files, with the installed plugins in it.

    Args:
        say: takes a line for each plugin that is left out because it cannot be read.
    """
    from vqfw.schema.document import as_text
    from vqfw.schema.loading import schema_for

    complete, failed = schema_for(None)
    for reason in dict.fromkeys(failed.values()):
        say(f"left out: {reason}")
    return as_text(complete)


def write_schema(folder: Path = Path(), say: Say = tell) -> Path:
    """Writes the schema where experiment files beside it look for it.

    Args:
        folder: gets ``schemas/experiment.schema.json``.
        say: takes a line for each plugin that is left out.

    Raises:
        UsageError: if that is the schema that vqfw itself ships, or it cannot be
            written.
    """
    from vqfw.schema.loading import packaged_path

    target = folder / "schemas" / "experiment.schema.json"
    if target.resolve() == packaged_path().resolve():
        fact = f"{target} is the schema that vqfw ships, without your plugins"
        repair = "run this in the folder of your experiments"
        raise UsageError(f"{fact}: {repair}")
    write_output(
        checked_file(target, "run this in another folder"), schema_text(say).encode()
    )
    return target
