"""Begins a package of one component, from a distribution that is valid itself.

The template is a whole package with one component of each kind; what is written is the
part of it that the kind asked for needs, under other names.
"""

from __future__ import annotations

import keyword
import re
from importlib.util import find_spec
from pathlib import Path

from vqfw.errors import UsageError
from vqfw.kinds.catalog import KINDS
from vqfw.kinds.hooks import GROUP
from vqfw.registry.hooks import observer_entries
from vqfw.registry.index import index

OBSERVER = "observer"
"""What is no component, and begins with a package all the same: a module of hooks."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_WORDS = re.compile(r"vqfw_template|vqfw-template|Template|template")


def template_folder() -> Path:
    """Where the template lies: in the installed package, or in the checkout."""
    here = Path(__file__)
    beside = here.with_name("template")
    return beside if beside.is_dir() else here.parents[2] / "plugins" / "template"


def template_kinds() -> tuple[str, ...]:
    """The kinds of component that there is a template for, and the observer."""
    folder = template_folder() / "vqfw_template"
    return tuple(
        each for each in (*KINDS, OBSERVER) if (folder / f"{each}.py").is_file()
    )


def new_package(kind: str, name: str, folder: Path | None = None) -> Path:
    """Writes a package with one component or observer, its test and its README.

    Args:
        kind: of the component, or ``observer``.
        name: what experiments will call it, in snake_case.
        folder: to write; None for one in the working folder, called like the package.

    Returns:
        The folder.

    Raises:
        UsageError: if there is no template for the kind, the name is taken or no name,
            or the folder is not empty; nothing is written then.
    """
    _require_free(kind, name)
    target = folder if folder is not None else Path(f"vqfw-{name.replace('_', '-')}")
    texts = _texts(kind, name)
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(
                f"{target} is there already, and nothing is overwritten: choose another "
                "folder with -o"
            )
        for path, text in texts.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written ({error.strerror}): choose another folder "
            "with -o"
        ) from error
    return target


def setting(kind: str, name: str) -> str:
    """The argument of ``--set`` that puts a component into an experiment."""
    key = KINDS[kind].key
    if key.endswith("[]"):
        return f'{key.removesuffix("[]")}=["{name}"]'
    return f"{key}={name}"


def _require_free(kind: str, name: str) -> None:
    if kind not in template_kinds():
        raise UsageError(
            f'there is no template for kind "{kind}": write one of '
            f"{', '.join(template_kinds())}"
        )
    if not _NAME.match(name) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} cannot name a component: use up to 40 of a-z 0-9 _, starting "
            "with a letter"
        )
    taken = (*index().of(kind), *(observer_entries() if kind == OBSERVER else ()))
    owners = [entry.owner for entry in taken if entry.name == name]
    if owners:
        raise UsageError(
            f'{kind} "{name}" is there already, from {owners[0]}: choose another name'
        )
    if find_spec(f"vqfw_{name}") is not None:
        raise UsageError(
            f"a package vqfw_{name} is installed already: choose another name"
        )


def _texts(kind: str, name: str) -> dict[str, str]:
    """The files of the new package, by their paths in it."""
    source = template_folder()
    words = {
        "vqfw_template": f"vqfw_{name}",
        "vqfw-template": f"vqfw-{name.replace('_', '-')}",
        "Template": "".join(part.capitalize() for part in name.split("_")),
        "template": name,
    }

    def named(text: str) -> str:
        return _WORDS.sub(lambda found: words[found[0]], text)

    paths = [f"vqfw_template/{kind}.py", f"tests/test_{kind}.py"]
    texts = {named(path): named((source / path).read_text("utf-8")) for path in paths}
    texts[f"vqfw_{name}/__init__.py"] = ""
    texts["pyproject.toml"] = named(_one_group((source / "pyproject.toml"), kind))
    texts["README.md"] = named(_readme((source / "README.md"), kind))
    return texts


def _one_group(path: Path, kind: str) -> str:
    """The metadata with the entry point of one kind alone."""
    head, *groups = path.read_text("utf-8").split("[project.entry-points.")
    group = GROUP if kind == OBSERVER else KINDS[kind].group
    wanted = f'"{group}"]'
    (found,) = [each for each in groups if each.startswith(wanted)]
    return f"{head}[project.entry-points.{found.rstrip()}\n"


def _readme(path: Path, kind: str) -> str:
    """The text about a quantizer, said of another kind; an observer has its own."""
    if kind == OBSERVER:
        return path.with_name("README.observer.md").read_text("utf-8")
    text = path.read_text("utf-8")
    argument = setting(kind, "template")
    shown = f"'{argument}'" if "[" in argument else argument
    text = text.replace("model.quantizer=template", shown)
    article = "An" if kind[0] in "aeiou" else "A"
    text = text.replace("A quantizer", f"{article} {kind}")
    text = text.replace("a quantizer", f"{article.lower()} {kind}")
    return text.replace("quantizer", kind)
