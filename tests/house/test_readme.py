"""What the README shows works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from vqfw.registry import index

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()


def block(language: str, containing: str) -> str:
    """The code block of a language that holds a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    (found,) = [each for each in blocks if containing in each]
    return found


def test_the_smallest_experiment_is_right(tmp_path):
    import vqfw

    path = tmp_path / "smallest.json"
    path.write_text(block("json", '"steps": 600'))
    assert vqfw.load(path).checked.model["quantizer"]["num_embeddings"] == 512


def test_every_component_of_the_table_is_installed():
    for line in TEXT.splitlines():
        row = re.match(
            r"\| (dataset|augmentation|quantizer|revival|beta|model|loss|metric|tracker) \|",
            line,
        )
        if row:
            told = set(re.findall(r"`(\w+)`", line))
            assert told == set(index().names(row[1])), row[1]


@pytest.mark.parametrize(
    "line",
    [
        line.split("#")[0].strip()
        for line in block("sh", "vqfw doctor latest").splitlines()
    ],
)
def test_every_command_of_the_readme_is_a_command(line):
    program, verb, *_ = line.split()
    assert program == "vqfw"
    code = "from vqfw.cli.main import main; main()"
    found = subprocess.run(
        [sys.executable, "-c", code, verb, "--help"], capture_output=True, text=True
    )
    assert found.returncode == 0
    for option in re.findall(r"(?<= )(--?\w+)", line):
        assert option in found.stdout
