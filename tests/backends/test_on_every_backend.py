"""The contracts hold on all backends: those that this process does not run, run here.

So do the tests of the search and of the usage, on which every quantizer relies, and
``run.model`` in the models of others.
"""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parents[2]
# Tensors are tiny: torch is a third faster in one thread, and to compile each operation
# well costs JAX more than all that it computes. The runs of test_resume.py and the steps
# of test_backends_agree.py compile as a person's do.
QUICKER = {"OMP_NUM_THREADS": "1", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
# Without its fusion emitters XLA compiles single operations in a third less time, so that
# here the contracts do not try how it fuses. It ends a process over a flag that it does not
# know; jaxlib 0.10 knows this one.
NO_FUSION_EMITTERS = "--xla_cpu_use_fusion_emitters=false"
TESTS = (
    "tests/contracts",
    "tests/kinds/test_codebook.py",
    "tests/kinds/test_usage.py",
    "tests/api/test_model.py",
)
# That a check catches its mistake is shown by this process, but for mistakes that show where
# a backend compiles.
SELECTED = "not is_caught_by or NumpyInside or LearnsOnlyEagerly or BranchesInPython"


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_the_contracts_hold_on(backend):
    if backend == keras.backend.backend():
        pytest.skip(f"{backend} is what this process runs on")
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    command = [sys.executable, "-m", "pytest", *TESTS, "-q", "-m", "", "-k", SELECTED]
    # Two processes: one that ran alone at the end would leave a processor idle.
    command += ["-p", "no:cacheprovider", "--numprocesses=2"]
    child = subprocess.run(
        command,
        cwd=ROOT,
        env={
            **os.environ,
            **QUICKER,
            **_xla_flags(backend),
            "KERAS_BACKEND": backend,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.returncode == 0, f"{backend}:\n{child.stdout[-4000:]}"


def _xla_flags(backend):
    """Flags for JAX alone, and only where a person set none."""
    if backend != "jax" or "XLA_FLAGS" in os.environ:
        return {}
    known = importlib.metadata.version("jaxlib").startswith("0.10.")
    return {"XLA_FLAGS": NO_FUSION_EMITTERS} if known else {}
