"""Machines with less than usual: no home, no temporary folder, Keras set for others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

import keras
import pytest
from vqfw_losses.pixel import MSE

from vqfw.api.preparation import splits_of
from vqfw.errors import DataError
from vqfw.runs.places import cache_folder
from vqfw.testing import parametrize_with_checks


@pytest.fixture
def homeless(root, monkeypatch):
    """A person whom the system does not know, as ``docker --user`` makes one."""

    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    for name in ("HOME", "VQFW_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("homeless")
def test_without_a_home_pictures_are_not_cached_and_one_note_says_so(
    tiny, command, capsys
):
    assert cache_folder() is None
    splits_of(tiny().plan(), quiet=False)
    notes = capsys.readouterr().err.splitlines()
    (note,) = (each for each in notes if "VQFW_CACHE" in each)
    assert note.startswith("there is no home folder")
    assert command("plugins", "list").code == 0
    with pytest.raises(DataError, match="set VQFW_DATA"):
        tiny("data.dataset=lfw").plan()


@pytest.mark.usefixtures("homeless")
def test_without_a_home_the_options_of_a_plugin_component_are_read(
    install, monkeypatch
):
    source = '''
class Odd:
    """A loss of other people."""

    vqfw_kind = "loss"

    def __init__(self, share: float = 0.5) -> None: ...
'''
    install("vqfw-odd", source, {"vqfw.losses": "odd = MODULE:Odd"})
    monkeypatch.delenv("VQFW_CACHE")
    from vqfw.registry import index
    from vqfw.registry.fragment_cache import cached_fragment
    from vqfw.registry.fragments import fragment_of

    entry = index().find("loss", "odd")
    assert fragment_of(entry)["properties"]["share"]["default"] == 0.5
    assert cached_fragment(entry) is None


@pytest.mark.parametrize("lacking", ["a folder", "stderr"])
def test_verbs_work_where_lines_of_native_libraries_cannot_be_held_back(
    lacking, command, monkeypatch
):
    def fails(*arguments, **options):
        raise FileNotFoundError(2, "No usable temporary directory found")

    target = (tempfile, "TemporaryFile") if lacking == "a folder" else (os, "dup")
    monkeypatch.setattr(*target, fails)
    answer = command("plugins", "list")
    assert answer.code == 0
    assert "ema" in answer.out


@pytest.fixture
def odd_keras():
    """Keras as some person's ``keras.json`` sets it."""
    keras.config.set_floatx("float64")
    keras.config.set_image_data_format("channels_first")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")


@pytest.mark.processes
def test_settings_of_keras_change_no_scores_and_are_kept(done, tiny, odd_keras):
    run = tiny().run(name="odd")
    assert run.scores["test"] == done.scores["test"]
    assert keras.config.floatx() == "float64"
    assert keras.config.image_data_format() == "channels_first"
    assert keras.config.dtype_policy().name == "float64"


@pytest.mark.parametrize("settings", [{"floatx": "bfloat16"}, {"epsilon": "x"}, []])
def test_an_invalid_keras_json_is_named_with_its_repair(settings, tiny_file, root):
    (root / "keras.json").write_text(json.dumps(settings))
    found = subprocess.run(
        [sys.executable, "-m", "vqfw", "plan", "tiny.json"],
        env={**os.environ, "KERAS_HOME": str(root)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    assert f"correct or remove {root / 'keras.json'}" in found.stderr


def test_settings_of_keras_change_no_contract_check_and_are_kept(odd_keras):
    found = []

    def mine():
        found.append(keras.config.floatx())
        return MSE()

    cases = parametrize_with_checks("loss", [mine]).args[1]
    (case,) = [
        each for each in cases if each.id == "mine-equal_options_make_equal_components"
    ]
    check, factory = case.values
    check(factory)
    assert set(found) == {"float32"}
    assert keras.config.floatx() == "float64"
