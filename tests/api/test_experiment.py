"""Experiments in Python: loaded from a mapping, changed, and shown while they train."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback

import pytest

import vqfw
from vqfw.api.talk import in_python
from vqfw.errors import ExperimentError


def test_load_takes_a_mapping_as_it_takes_a_file(tiny_file):
    values = json.loads(tiny_file.read_text())
    from_values = vqfw.load(values, ["seed=3"])
    from_file = vqfw.load(tiny_file, ["seed=3"])
    assert from_values.checked.values == from_file.checked.values
    assert json.loads(from_values.checked.text) == values


@pytest.mark.parametrize("overrides", [{"training.steps": 3}, "training.steps=3"])
def test_overrides_that_are_no_list_are_refused(tiny_file, overrides):
    with pytest.raises(TypeError, match=r"a mapping to \.set\(\)"):
        vqfw.load(tiny_file, overrides)


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("--set 'losses=[{\"type\": \"mse\"}]'", "experiment.set(\"losses\", [{'type': 'mse'}])"),
        ("--set data.split_by=image", 'experiment.set("data.split_by", "image")'),
        ("vqfw run --resume 'a b'", 'vqfw.open_run("a b").resume()'),
        ("--data-path", "data_path="),
    ],
)  # fmt: skip
def test_a_command_of_a_message_has_a_call_in_python(command, call):
    (sentence,) = in_python(f"the data is not there: {command}, or another")
    assert f" is {call}" in sentence


def test_set_changes_several_values_and_leaves_the_first_experiment(tiny):
    first = tiny()
    second = first.set({"training.steps": 3, "model.quantizer": "gradient"})
    assert second.checked.training.steps == 3
    assert second.checked.model["quantizer"]["type"] == "gradient"
    assert first.set("training.steps", 3).checked.training.steps == 3
    assert first.checked.training.steps == 12


def test_set_checks_changes_together(tiny):
    # Neither of the two is right without the other.
    pair = {"data.image_size": 24, "model.encoder.downsampling": 8}
    assert tiny().set(pair).plan().image_shape == (24, 24, 3)


def test_a_mistake_in_set_prints_what_the_option_prints(tiny, command):
    changes = {"training.stepz": 3, "model.quantizer.decay": 2}
    with pytest.raises(ExperimentError) as caught:
        tiny().set(changes)
    pairs = [
        each for key, value in changes.items() for each in ("--set", f"{key}={value}")
    ]
    printed = command("validate", "tiny.json", *pairs).err.strip()
    assert "^" in printed
    assert printed in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "arguments", [("seed",), ({"seed": 1}, 2), ("seed", 1, 2), (3,)]
)
def test_set_without_pairs_says_what_it_takes(tiny, arguments):
    with pytest.raises(TypeError, match="a path and its value, or a mapping"):
        tiny().set(*arguments)


def test_dir_lists_every_public_name_and_imports_no_keras():
    program = (
        "import sys, vqfw; names = dir(vqfw); assert 'load' in names and 'Run' in names;"
        "assert set(names) == set(vqfw.__all__) and 'keras' not in sys.modules;"
        "from vqfw import errors, kinds_of_nothing"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert "cannot import name 'kinds_of_nothing'" in ended.stderr


def test_a_run_shows_its_data_and_progress_on_stderr(tiny, capsys):
    tiny("training.steps=2").run("loud")
    shown = capsys.readouterr()
    assert shown.err.startswith("data ")
    assert "step 2/2" in shown.err
    assert shown.out == ""
