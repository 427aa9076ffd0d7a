"""The same numbers in, the same losses out, whichever backend computes them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("ten_steps.py")
BACKENDS = ("tensorflow", "jax", "torch")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    path = tmp_path_factory.mktemp("start") / "start.npz"
    code = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import ten_steps"
    called(installed()[0], "-c", f"{code}; ten_steps.write({str(path)!r})")
    return path


@pytest.fixture(scope="module")
def found(start):
    return {name: trained(name, start) for name in installed()}


def installed():
    return [name for name in BACKENDS if importlib.util.find_spec(name)]


def called(backend, *arguments):
    environment = {**os.environ, "KERAS_BACKEND": backend}
    child = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True
    )
    assert child.returncode == 0, f"{backend}: {child.stderr[-3000:]}"
    return child.stdout


def trained(backend, start):
    return json.loads(called(backend, str(SCRIPT), str(start)).splitlines()[-1])


@pytest.mark.parametrize("quantizer", ["gradient", "ema"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_ten_steps_agree_to_1e_4(backend, quantizer, found):
    if backend not in found:
        pytest.skip(f"{backend} is not installed")
    reference = next(iter(found.values()))[quantizer]
    assert len(set(reference)) == 10  # training goes on
    np.testing.assert_allclose(found[backend][quantizer], reference, rtol=1e-4)
