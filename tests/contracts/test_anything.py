"""The checks that hold for every kind: each catches the mistakes made for it."""

from __future__ import annotations

import importlib
import sys

import pytest

from vqfw.testing import general_checks

QUIET = """
from vqfw.kinds import Loss

class Odd(Loss):
    made = 0

    def __init__(self, share=0.5):
        self.share = share

    def __call__(self, original, reconstruction): ...
"""
IMPORT = "importing_it_changes_nothing"
OPTIONS = "equal_options_make_equal_components"
ATTRIBUTES = "methods_and_attributes_keep_the_contract"
PLANTED = {
    "prints": ("print('ready')", IMPORT, "prints"),
    "seeds": ("import random; random.seed(1)", IMPORT, "Python's random state"),
    "seeds_numpy": ("import numpy; numpy.random.seed(1)", IMPORT, "NumPy's random"),
    "sets_the_environment": (
        "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'",
        IMPORT,
        "the environment",
    ),
    "extends_the_path": ("import sys; sys.path.append('x')", IMPORT, "sys.path"),
    "moves_keras": (
        "import keras; keras.config.set_epsilon(1e-5)",
        IMPORT,
        "Keras's epsilon",
    ),
    "hides_warnings": (
        "import warnings; warnings.simplefilter('ignore')",
        IMPORT,
        "the filters of warnings",
    ),
    "counts_itself": (
        QUIET.replace("= share", "= share + Odd.made\n        Odd.made += 1"),
        OPTIONS,
        "share",
    ),
    "has_attributes_out_of_range": (
        """
from vqfw.kinds import Dataset

class Odd(Dataset):
    channels = 4

    def records(self): ...

    def fingerprint(self): ...
""",
        ATTRIBUTES,
        '"channels" of Odd is 4, which is not allowed: set it to 1 or 3',
    ),
}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Imports a module with a loss, as an installed package is imported."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(source: str):
        (tmp_path / "odd_module.py").write_text(source)
        return importlib.import_module("odd_module").Odd

    yield make
    sys.modules.pop("odd_module", None)


def found(factory) -> dict[str, str]:
    complaints = {}
    for check in general_checks():
        try:
            check(factory)
        except AssertionError as error:
            complaints[check.__name__] = str(error)
    return complaints


@pytest.mark.mutations
def test_the_base_of_each_planted_mistake_passes(made):
    assert found(made(QUIET)) == {}


@pytest.mark.mutations
@pytest.mark.parametrize("mistake", PLANTED)
def test_each_planted_mistake_fails_one_check_and_passes_all_the_rest(
    mistake, made, monkeypatch
):
    source, check, told = PLANTED[mistake]
    whole = QUIET if check == IMPORT else source
    factory = made(whole)
    if check == IMPORT:
        # Planted after the import, so that the process that tests stays as it is.
        path = sys.modules["odd_module"].__file__
        with open(path, "a", encoding="utf-8") as file:
            file.write(source)
    (complaint,) = found(factory).items()
    assert complaint[0] == check
    assert told in complaint[1]


def test_every_check_has_its_planted_mistake():
    names = {check.__name__ for check in general_checks()}
    assert names == {check for _, check, _ in PLANTED.values()}
