"""Format, lint, types, import contracts, entry points, and imports of quick verbs."""

import subprocess
import sys
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))


def succeeds(*command: str) -> None:
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, (found.stdout + found.stderr)[-6000:]


def test_the_code_is_formatted():
    succeeds(str(SCRIPTS / "ruff"), "format", "--check", ".")


def test_the_linter_finds_nothing():
    succeeds(str(SCRIPTS / "ruff"), "check", ".")


@pytest.mark.processes
def test_mypy_finds_no_error():
    succeeds(sys.executable, "-m", "mypy")


def test_the_import_rules_of_the_packages_hold():
    succeeds(str(SCRIPTS / "lint-imports"))


def test_no_module_is_called_utils_helpers_common_or_misc():
    drawers = {"utils.py", "helpers.py", "common.py", "misc.py"}
    rooms = [ROOT / "vqfw", ROOT / "plugins"]
    assert not [p for room in rooms for p in room.rglob("*.py") if p.name in drawers]


def test_installed_entry_points_are_those_of_pyproject():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    expected = {
        (group, name, target)
        for group, points in declared["entry-points"].items()
        for name, target in points.items()
    }
    expected |= {("console_scripts", *each) for each in declared["scripts"].items()}
    found = metadata.distribution("vqfw").entry_points
    installed = {(point.group, point.name, point.value) for point in found}
    assert installed == expected, (
        "the installed entry points are stale; mend with: pip install -e ."
    )


def test_the_tree_in_the_readme_is_the_tree():
    text = (ROOT / "README.md").read_text()
    rooms = [p.name for p in (ROOT / "vqfw").iterdir() if (p / "__init__.py").exists()]
    rooms += [
        p.name for p in (ROOT / "plugins").iterdir() if p.name.startswith("vqfw_")
    ]
    missing = [name for name in rooms if f"{name}/" not in text]
    assert not missing


@pytest.mark.parametrize(
    "verb", [[], ["--help"], ["plugins", "list"], ["runs", "list"]]
)
def test_verbs_that_need_no_model_import_no_keras(verb, tmp_path):
    code = (
        "import sys; from vqfw.cli.command_line import vqfw\n"
        f"vqfw.main({verb!r}, standalone_mode=False)\n"
        "loaded = {'keras', 'tensorflow', 'torch', 'jax'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("file", ["experiment.json", "lfw.json", "vae.json"])
def test_validating_imports_no_keras(file, tmp_path):
    code = (
        "import sys; from vqfw.cli.command_line import vqfw\n"
        f"vqfw.main(['validate', {str(ROOT / 'experiments' / file)!r}], standalone_mode=False)\n"
        "loaded = {'keras', 'tensorflow', 'torch', 'jax'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
