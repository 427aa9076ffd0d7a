"""The wheel works without the checkout: components, schema and verbs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder with the built wheel in it, and nothing of the checkout."""
    built = tmp_path_factory.mktemp("wheel")
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(built), "."]
    subprocess.run(wheel, cwd=ROOT, check=True, capture_output=True)
    (file,) = built.glob("vqfw-*.whl")
    install = [*pip, "install", "--no-deps", "--target", str(target), str(file)]
    subprocess.run(install, check=True, capture_output=True)
    return target


def vqfw(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # -P keeps the working directory, and so the checkout, out of the path.
    code = "from vqfw.cli.command_line import main; import vqfw; assert {!r} in vqfw.__file__; main()"
    return subprocess.run(
        [sys.executable, "-P", "-c", code.format(str(site)), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )


def test_the_wheel_lists_its_components(site, tmp_path):
    found = vqfw(site, tmp_path, "plugins", "list", "--json")
    assert found.returncode == 0, found.stderr
    components = json.loads(found.stdout)["components"]
    assert {"ema", "gradient"} <= {each["name"] for each in components}


def test_the_wheel_carries_the_schema(site, tmp_path):
    assert vqfw(site, tmp_path, "init").returncode == 0
    found = vqfw(site, tmp_path, "validate", "experiments/experiment.json")
    assert found.returncode == 0, found.stderr


def test_the_wheel_begins_packages_from_its_template(site, tmp_path):
    made = vqfw(site, tmp_path, "plugins", "new", "loss", "my_own")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "vqfw-my-own" / "tests" / "test_loss.py").exists()
