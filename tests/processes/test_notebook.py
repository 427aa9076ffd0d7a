"""The notebook of the experiments: its cells run in order and show what they promise."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import numpy as np

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
NOTEBOOK = json.loads((EXPERIMENTS / "first_run.ipynb").read_text("utf-8"))


def executed(source, namespace):
    """Runs a cell and returns what a notebook would show of it."""
    *statements, last = ast.parse(source).body
    exec(compile(ast.Module(statements, []), "<cell>", "exec"), namespace)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
    exec(compile(ast.Module([last], []), "<cell>", "exec"), namespace)
    return None


def test_the_notebook_trains_compares_and_edits_tokens(root, monkeypatch, capsys):
    folder = root / "experiments"
    shutil.copytree(EXPERIMENTS, folder, ignore=shutil.ignore_patterns("studies"))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("VQFW_ROOT")
    names: dict = {}
    shown = [
        executed("".join(cell["source"]), names)
        for cell in NOTEBOOK["cells"]
        if cell["cell_type"] == "code"
    ]
    run, _, faces, reconstructed, comparison, equal, mixed = shown
    assert run.path.parent == root / "checkpoints"
    assert run.scores["test"]["psnr"]["value"] > 15
    assert run._repr_html_().count("<img") >= 4
    losses = run.history["loss"]
    assert losses[-10:].mean() < losses[:10].mean() / 2
    count = len(names["faces"])
    assert names["faces"].shape == (count, 64, 64, 1)
    assert faces.size == reconstructed.size == mixed.size == (64 * count, 64)
    apart = np.abs(np.asarray(faces, float) - np.asarray(reconstructed)).mean()
    assert apart < 30
    assert "ema" in comparison._repr_html_()
    assert "gradient" in comparison._repr_html_()
    assert equal
    # The lower row of tokens stays; a decoder looks a little beyond it.
    before, after = names["run"].decode(names["tokens"]), names["mixed"]
    changed = np.abs(before.astype(int) - after).mean((0, 2, 3))
    assert changed[:24].mean() > 5 * changed[-8:].mean()
    told = capsys.readouterr()
    assert "step 300/300" in told.err
    assert "step 300: loss 0.0" in told.out
    assert "(8, 64, 64, 1) uint8" in told.out


def test_the_notebook_is_stored_without_outputs():
    assert NOTEBOOK["nbformat"] == 4
    assert NOTEBOOK["metadata"]["kernelspec"]["name"] == "python3"
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
