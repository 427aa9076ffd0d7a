"""Writes a package of one component, from the package in ``plugins/template``.

The template has a component of each kind and form; a new package has one of them, under
another name. Its README is that of a quantizer, its test that of a loss, with the name of
the kind replaced; a kind that needs another test has one in ``plugins/template/tests``.
"""

from __future__ import annotations

import ast
import keyword
import re
from importlib.util import find_spec
from pathlib import Path

from vqfw.errors import UsageError
from vqfw.kinds.catalog import KINDS, OBSERVER, OBSERVER_GROUP, Kind, article
from vqfw.registry.entries import index

_NAME = re.compile(r"[a-z](?:[a-z0-9_]{0,38}[a-z0-9])?\Z")
FORMS = {"image_augmentation": "augmentation"}
"""Forms of a kind that have a template of their own, beside those called like a kind."""
_WORDS = re.compile(r"vqfw_template|vqfw-template|Template|template")


def template_folder() -> Path:
    """The folder of the template: in the installed package, or in the checkout."""
    here = Path(__file__)
    beside = here.with_name("template")
    return beside if beside.is_dir() else here.parents[2] / "plugins" / "template"


def template_kinds() -> tuple[str, ...]:
    """The kinds and forms that have a template, and the observer."""
    folder = template_folder() / "vqfw_template"
    names = (*KINDS, *FORMS, OBSERVER)
    return tuple(name for name in names if (folder / f"{name}.py").is_file())


def new_package(kind: str, name: str, folder: Path | None = None) -> Path:
    """Writes a package with one component or observer, its test and its README.

    Args:
        kind: of the component; or ``image_augmentation``, or ``observer``.
        name: of the component in experiments, in snake_case.
        folder: to write; None for one in the working folder, named like the package.

    Returns:
        The folder.

    Raises:
        UsageError: if there is no template for the kind, the name is taken or not
            allowed, or the folder is not empty; nothing is written then.
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


def example(kind: str, name: str) -> tuple[str, str]:
    """The code of the smallest component of a kind, and the metadata of its package.

    Args:
        kind: one of ``template_kinds``.
        name: of the component in experiments.
    """
    texts = _texts(kind, name)
    return texts[f"vqfw_{name}/{kind}.py"], texts["pyproject.toml"]


def promised(kind: str) -> tuple[Kind, str]:
    """The kind of a template, and ``module:class`` of its contract.

    Args:
        kind: one of ``template_kinds``, but the observer.
    """
    found = KINDS[FORMS.get(kind, kind)]
    return found, found.contracts[1 if kind in FORMS else 0]


def setting(kind: str, name: str) -> str:
    """The argument of ``--set`` that puts a component into an experiment."""
    key = promised(kind)[0].key
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
    module = template_folder() / "vqfw_template" / f"{kind}.py"
    if _class_name(name) in _names_in(module):
        raise UsageError(
            f"the class {_class_name(name)} would hide a name that its module uses: "
            "choose another name"
        )
    own = FORMS.get(kind, kind)
    taken = index().observers if kind == OBSERVER else index().of(own)
    owners = [entry.owner for entry in taken if entry.name == name]
    if owners:
        raise UsageError(
            f'{own} "{name}" is there already, from {owners[0]}: choose another name'
        )
    if find_spec(f"vqfw_{name}") is not None:
        raise UsageError(
            f"a package vqfw_{name} is installed already: choose another name"
        )


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _names_in(path: Path) -> set[str]:
    """The names that a module of the template uses, and Python's keywords."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    return {*used, *keyword.kwlist}


def _texts(kind: str, name: str) -> dict[str, str]:
    """The files of the new package, by their paths in it."""
    source = template_folder()
    words = {
        "vqfw_template": f"vqfw_{name}",
        "vqfw-template": f"vqfw-{name.replace('_', '-')}",
        "Template": _class_name(name),
        "template": name,
    }

    def named(text: str) -> str:
        return _WORDS.sub(lambda found: words[found[0]], text)

    texts = {
        f"vqfw_template/{kind}.py": _read(source / "vqfw_template" / f"{kind}.py"),
        f"tests/test_{kind}.py": _test(source / "tests", kind),
        "vqfw_template/__init__.py": "",
        "pyproject.toml": _metadata(source / "pyproject.toml", kind),
        "README.md": _readme(source / "README.md", kind),
    }
    return {named(path): named(text) for path, text in texts.items()}


def _read(path: Path) -> str:
    return path.read_text("utf-8")


def _test(folder: Path, kind: str) -> str:
    """The test of a kind: its own, or that of a loss with another name."""
    if (folder / f"test_{kind}.py").is_file():
        return _read(folder / f"test_{kind}.py")
    text = _read(folder / "test_loss.py").replace(".loss ", f".{kind} ")
    return text.replace('"loss"', f'"{FORMS.get(kind, kind)}"')


def _metadata(path: Path, kind: str) -> str:
    """The metadata with the entry point of one component, or of the observer, alone."""
    head, *groups = _read(path).split("[project.entry-points.")
    points = "".join(groups).splitlines()
    (point,) = [each for each in points if f'"vqfw_template.{kind}' in each]
    target = re.sub(r"^\w+", "template", point)
    is_observer = kind == OBSERVER
    group = OBSERVER_GROUP if is_observer else KINDS[FORMS.get(kind, kind)].group
    return f'{head}[project.entry-points."{group}"]\n{target}\n'


def _readme(path: Path, kind: str) -> str:
    """The README of a quantizer with the name of another kind; an observer has its own."""
    if kind == OBSERVER:
        return _read(path.with_name("README.observer.md"))
    own = FORMS.get(kind, kind)
    argument = setting(kind, "template")
    replacements = {
        "/quantizer.py": f"/{kind}.py",
        "model.quantizer=template": f"'{argument}'" if "[" in argument else argument,
        "A quantizer": f"{article(own).capitalize()} {own}",
        "a quantizer": f"{article(own)} {own}",
        "quantizer": own,
    }
    text = _read(path)
    for words, others in replacements.items():
        text = text.replace(words, others)
    return text
