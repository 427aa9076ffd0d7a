"""A package that ``vqfw plugins new`` wrote installs, passes its test and trains, untouched.

All kinds share one fresh virtual environment, which sees the packages of the environment
that runs the tests, so that nothing is downloaded. Building needs hatchling alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import NamedTuple

import pytest

from vqfw.authoring.template import setting, template_kinds
from vqfw.kinds.catalog import OBSERVER

MAIN = "from vqfw.cli.command_line import main; main()"
# One process for all runs: importing TensorFlow is most of each.
RUNS = """
import json, sys
from vqfw.cli.command_line import main
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as ended:
        assert not ended.code, arguments
"""
# A model brings its own parts, the template's quantizer has no codebook to revive, and the
# two forms of an augmentation are set in the same place.
ALONE = ("model", "revival", "image_augmentation")


class Fresh(NamedTuple):
    """A virtual environment and the folder beside it."""

    python: Path
    folder: Path

    def run(self, *arguments: str) -> str:
        """What a command of its Python prints to stdout."""
        found = subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder,
            env={**os.environ, "VQFW_CACHE": str(self.folder / "cache")},
            capture_output=True,
            text=True,
        )
        assert found.returncode == 0, (found.stdout + found.stderr)[-4000:]
        return found.stdout


def called(kind: str) -> str:
    return f"my_{kind}"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """The environment, with a new package of every kind written and installed."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "venv" / "lib" / version / "site-packages"
    seen = sysconfig.get_path("purelib")
    # As the installation itself does it, so that editable packages there count too.
    (site / "seen.pth").write_text(f"import site; site.addsitedir({seen!r})\n")
    found = Fresh(python, folder)
    packages = []
    for kind in template_kinds():
        made = found.run("-P", "-c", MAIN, "plugins", "new", kind, called(kind))
        packages += ["-e", f"./{made.strip()}"]
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-index")
    found.run(*pip, "--no-deps", "--no-build-isolation", *packages)
    return found


def test_every_new_package_passes_its_own_test(fresh):
    folders = [f"vqfw-{called(kind).replace('_', '-')}" for kind in template_kinds()]
    options = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib")
    printed = fresh.run("-m", "pytest", *options, *folders)
    assert "passed" in printed
    assert "skipped" not in printed


def test_every_new_component_trains_by_its_name_in_a_real_run(fresh, plain_experiment):
    (fresh.folder / "tiny.json").write_text(json.dumps(plain_experiment))
    # The observer watches every run as it is.
    components = [kind for kind in template_kinds() if kind != OBSERVER]
    together = [kind for kind in components if kind not in ALONE]
    runs = [together, *([kind] for kind in ALONE)]
    calls = []
    for number, kinds in enumerate(runs):
        settings = [f"--set={setting(kind, called(kind))}" for kind in kinds]
        name = f"--name=run{number}"
        calls.append(["run", "tiny.json", name, "--quiet", *settings])
    fresh.run("-P", "-c", RUNS, json.dumps(calls))
    for number, kinds in enumerate(runs):
        run = fresh.folder / "checkpoints" / f"run{number}"
        resolved = (run / "resolved.json").read_text()
        missing = [kind for kind in kinds if f'"{called(kind)}"' not in resolved]
        assert not missing
        scores = json.loads((run / "scores.json").read_text())
        assert scores
