"""The examples of ``help()`` run as they are printed."""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image

import vqfw


def examples(subject):
    """The indented blocks of a docstring that are Python, before its ``Args:``."""
    text = inspect.getdoc(subject).split("\nArgs:")[0].split("\nReturns:")[0]
    for paragraph in text.split("\n\n")[1:]:
        if paragraph.startswith("    "):
            source = textwrap.dedent(paragraph)
            ast.parse(source)
            yield source


@pytest.fixture
def names(done, root, monkeypatch):
    """What the examples take for granted."""
    monkeypatch.setattr(vqfw.Experiment, "run", lambda self, **options: done)
    experiments = root / "experiments"
    vqfw.init(root)
    assert experiments.is_dir()
    faces = done.images("test", quiet=True).pixels
    plot = SimpleNamespace(
        plot=lambda x, y, *style: np.testing.assert_equal(len(x), len(y))
    )
    experiment = vqfw.load("experiments/experiment.json")
    (root / "my_pictures").mkdir()
    for number, face in enumerate(faces):
        Image.fromarray(face).save(root / "my_pictures" / f"{number}.png")
    return {
        "vqfw": vqfw, "np": np, "keras": keras, "plt": plot, "run": done, "images": faces / np.float32(255),
        "faces": faces, "experiment": experiment, "array": faces, "names": None, "tokens": done.encode(faces),
    }  # fmt: skip


def test_the_overview_names_the_functions_to_begin_with():
    for name in ("load", "open_run", "compare", "components", "describe"):
        assert f"``{name}" in vqfw.__doc__


@pytest.mark.processes
def test_the_examples_of_help_run(names, monkeypatch):
    pandas = SimpleNamespace(DataFrame=dict)
    monkeypatch.setitem(__import__("sys").modules, "pandas", pandas)
    run, history, tokens = names["run"], names["run"].history, names["tokens"]
    subjects = [
        vqfw,
        vqfw.load,
        vqfw.VQAutoencoder,
        vqfw.Experiment,
        vqfw.Run,
        type(history),
        type(tokens),
    ]
    for owner in (vqfw.Experiment, vqfw.Run):
        subjects += [member for name, member in vars(owner).items() if name[0] != "_"]
    ran = 0
    for subject in subjects:
        if not inspect.getdoc(subject):
            continue
        for source in examples(subject):
            exec(source, dict(names))
            ran += 1
    assert ran >= 12
    assert run.id == "done"
