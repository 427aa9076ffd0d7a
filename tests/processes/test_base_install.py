"""The wheel without extras, in an empty environment: every verb, and every kind of component.

What the tests of this repository need besides (JAX, torch, pytest) is not there, so what
only works beside them shows here. pip takes the dependencies from the index.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from vqfw.authoring.template import FORMS, setting, template_kinds
from vqfw.cli.command_line import VERBS
from vqfw.kinds.catalog import OBSERVER

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
ONLY_TESTS_NEED = ("jax", "torch", "pytest", "hatchling", "hypothesis", "mypy")
# One process for the verbs that import TensorFlow, which is most of each.
IN_ONE_PROCESS = """
import json, sys
from vqfw.cli.command_line import main
for arguments in json.loads(sys.argv[1]):
    print("$ vqfw", *arguments, file=sys.stderr, flush=True)
    try:
        main(arguments)
    except SystemExit as ended:
        assert not ended.code, (arguments, ended.code)
"""
COMPONENTS = [kind for kind in template_kinds() if kind != OBSERVER]
# A model brings its own parts, and the template's quantizer has no codebook to revive.
ALONE = ("model", "revival")
TOGETHER = [kind for kind in COMPONENTS if kind not in ALONE]


class Base(NamedTuple):
    """An environment with the wheel and nothing else, and a working folder."""

    bin: Path
    folder: Path

    def vqfw(self, *arguments: str) -> str:
        """What the installed command prints to stdout."""
        return self._run(str(self.bin / "vqfw"), *arguments)

    def python(self, *arguments: str) -> str:
        """What Python prints to stdout there."""
        return self._run(str(self.bin / "python"), *arguments)

    def all(self, calls: Sequence[Sequence[str]]) -> str:
        """What several command lines print, one after another in one process."""
        return self.python("-P", "-c", IN_ONE_PROCESS, json.dumps(calls))

    def read(self, path: str) -> str:
        """A file of the working folder."""
        return (self.folder / path).read_text("utf-8")

    def _run(self, *command: str) -> str:
        kept = {
            name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ
        }
        found = subprocess.run(
            command,
            cwd=self.folder,
            env={**kept, "HOME": str(self.folder / "home")},
            capture_output=True,
            text=True,
        )
        assert found.returncode == 0, (found.stdout + found.stderr)[-4000:]
        return found.stdout


def pip(*arguments: str) -> None:
    """Runs the pip of the tests; the environment in question has none of its own."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    found = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.fixture(scope="session")
def base(
    tmp_path_factory: pytest.TempPathFactory, plain_experiment: dict[str, Any]
) -> Base:
    """The environment, with the built wheel and what pip takes from the index for it."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "home").mkdir()
    wheel = ("wheel", "--no-deps", "--no-build-isolation", "-w")
    pip(*wheel, str(folder), str(ROOT))
    (built,) = folder.glob("vqfw-*.whl")
    venv.create(folder / "venv", symlinks=True)
    found = Base(folder / "venv" / "bin", folder)
    # Python compiles what is imported, once; pip would compile all of TensorFlow.
    there = ("--python", str(found.bin / "python"), "install", "--no-compile")
    pip(*there, str(built))
    packages = []
    for kind in template_kinds():
        packages.append(found.vqfw("plugins", "new", kind, installed(kind)).strip())
    wheels = folder / "wheels"
    pip(*wheel, str(wheels), *(str(folder / each) for each in packages))
    pip(*there, "--no-deps", "--no-index", *map(str, wheels.iterdir()))
    (folder / "tiny.json").write_text(json.dumps(plain_experiment))
    return found


def installed(kind: str) -> str:
    """The name of the installed component of a kind."""
    return f"my_{kind}"


def in_a_file(kind: str) -> str:
    """The name of the component of a kind that stands in a file; every form has its own."""
    return "rainy" if kind in FORMS else "sunny"


def chosen(kinds: Sequence[str], named: dict[str, str]) -> list[str]:
    """Arguments that set a component of each kind in the experiment."""
    images = [kind for kind in FORMS if kind in kinds]
    others = [kind for kind in kinds if kind not in FORMS]
    settings = [setting(kind, named[kind]) for kind in others]
    if images:  # two forms of one kind stand in one list, those of the host first
        names = json.dumps([named["image_augmentation"], named["augmentation"]])
        settings = [each for each in settings if "augmentations=" not in each]
        settings.append(f"data.augmentations={names}")
    return [f"--set={each}" for each in settings]


def test_the_base_install_has_no_test_dependencies(base):
    code = (
        "import importlib.util, sys; "
        "print(*(n for n in sys.argv[1:] if importlib.util.find_spec(n)))"
    )
    assert base.python("-P", "-c", code, *ONLY_TESTS_NEED).split() == []


def test_a_template_of_every_kind_is_listed_validated_planned_and_trained(base):
    named = {kind: installed(kind) for kind in COMPONENTS}
    together = chosen(TOGETHER, named)
    base.vqfw("validate", "tiny.json", *together)
    calls = [["plan", "tiny.json", *together]]
    for kinds in (TOGETHER, *([kind] for kind in ALONE)):
        name = f"--name=installed-{kinds[0]}"
        calls.append(["run", "tiny.json", name, "--quiet", *chosen(kinds, named)])
    base.all(calls)
    listed = json.loads(base.vqfw("plugins", "list", "--json"))["components"]
    states = {each["name"]: each["state"] for each in listed}
    assert {states[name] for name in named.values()} == {"ready"}
    for kinds in (TOGETHER, *([kind] for kind in ALONE)):
        run = f"checkpoints/installed-{kinds[0]}"
        assert_trained(base, run, [named[kind] for kind in kinds])
        assert "scored on" in base.read(f"{run}/my_observer.txt")


def test_a_template_of_every_kind_is_trained_from_a_file(base):
    named = {kind: in_a_file(kind) for kind in COMPONENTS}
    files = {}
    for kind, name in named.items():
        package = base.vqfw("plugins", "new", kind, name, "-o", f"file_{kind}").strip()
        files[kind] = f"--plugin={package}/vqfw_{name}/{kind}.py"
    calls = []
    for number, kinds in enumerate((TOGETHER, *([kind] for kind in ALONE))):
        plugins = [files[kind] for kind in kinds]
        arguments = ["tiny.json", *plugins, *chosen(kinds, named)]
        if not number:
            calls += [["validate", *arguments], ["plan", *arguments]]
        calls.append(["run", f"--name=file-{kinds[0]}", "--quiet", *arguments])
    base.all(calls)
    for kinds in (TOGETHER, *([kind] for kind in ALONE)):
        names = [named[kind] for kind in kinds]
        assert_trained(base, f"checkpoints/file-{kinds[0]}", names)


def assert_trained(base: Base, run: str, names: Sequence[str]) -> None:
    resolved = base.read(f"{run}/resolved.json")
    assert [name for name in names if f'"{name}"' not in resolved] == []
    assert json.loads(base.read(f"{run}/training.json"))["steps"] == 12
    assert json.loads(base.read(f"{run}/scores.json"))["test"]


def test_every_verb_works(base):
    study = {"name": "small", "experiment": "tiny.json"}
    (base.folder / "study.json").write_text(json.dumps(study))
    light = [
        ["init"],
        ["validate", "experiments/experiment.json"],
        ["explain", "tiny.json"],
        ["schema"],
        ["plugins", "show", "quantizer/ema"],
    ]
    heavy = [
        ["plan", "experiments/experiment.json"],
        ["run", "tiny.json", "--name=one", "--quiet"],
        ["run", "tiny.json", "--name=two", "--quiet", "--set=seed=1"],
        ["run", "--resume=one", "--quiet"],
        ["eval", "--run=one", "--data=images_saved/one", "--quiet"],
        ["tokenize", "images_saved/one", "--run=one", "--quiet"],
        ["reconstruct", "tokens.npz", "--run=one", "--quiet", "-o", "again"],
        ["study", "study.json", "--table"],
        ["doctor", "one"],
        ["plugins", "check", "loss/my_loss"],
    ]
    looking = [["compare", "one", "two"], ["runs", "list"], ["runs", "show", "one"]]
    base.vqfw()
    base.vqfw("--help")
    for call in light:
        base.vqfw(*call)
    base.all(heavy)
    for call in looking:
        assert "one" in base.vqfw(*call)
    called = {call[0] for call in (*light, *heavy, *looking)}
    assert called == set(VERBS)
    told = json.loads(base.vqfw("doctor", "--json"))
    others = {name: told["backends"].pop(name) for name in ("jax", "torch")}
    assert set(others.values()) == {None}
    assert (list(told["backends"]), told["backend"]) == (["tensorflow"], "tensorflow")
    assert told["devices"]
    (limit,) = told["limits"]
    assert limit.endswith("pip install 'vqfw[tensorboard]'")
