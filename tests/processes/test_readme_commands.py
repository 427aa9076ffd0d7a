"""Runs the commands of the README in their order, with fewer steps."""

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
FEWER = " --set training.steps=4 --quiet"


def lines_of(containing: str) -> list[str]:
    """The lines of the shell block that holds a text, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    (found,) = [each for each in blocks if containing in each]
    return [line.partition("#")[0].strip() for line in found.splitlines()]


@pytest.fixture
def shell(tmp_path):
    """Runs a line in a folder like a clone, whose environment is activated."""
    for folder in ("experiments", "schemas"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(sysconfig.get_path("scripts"))
    environment = {
        **os.environ,
        "VQFW_ROOT": str(tmp_path),
        "VQFW_CACHE": str(tmp_path / "cache"),
        "PATH": f"{tmp_path / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }

    def run(line: str) -> str:
        found = subprocess.run(
            line,
            shell=True,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert found.returncode == 0, f"{line}\n{found.stdout}\n{found.stderr}"
        return found.stdout

    return run


def test_the_commands_of_the_readme_work_in_their_order(shell, tmp_path):
    pictures = tmp_path / "my_pictures"
    pictures.mkdir()
    draw = np.random.default_rng(0)
    for number in range(40):
        pixels = draw.integers(0, 256, (48, 48, 3), dtype=np.uint8)
        imageio.imwrite(pictures / f"{number:02}.png", pixels)
    (first,) = lines_of("pip install -q -e . &&")
    install, _, run = first.rpartition(" && ")
    assert install.startswith("python3 -m venv .venv")
    assert "bits an image    2304" in shell(run + FEWER.removesuffix(" --quiet"))
    activate, *rest = lines_of("vqfw doctor latest")
    assert activate == "source .venv/bin/activate"
    for line in rest:
        words = line.split()
        fewer = {"run": FEWER, "study": " --dry-run"}.get(words[1], "")
        shell(line + fewer)
    assert len(list((tmp_path / "back").rglob("*.png"))) == 40
