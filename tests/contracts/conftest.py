import keras
import pytest

from vqfw.testing import checks


@pytest.fixture
def complaints():
    """Runs the checks of a kind on a planted mistake and names those that complain.

    That no other check complains is shown on one backend; on the others the check that
    is meant to catch the mistake runs alone.
    """

    def run(kind, factory, expected):
        names = []
        for check in checks(kind, factory):
            if keras.backend.backend() != "tensorflow" and check.__name__ != expected:
                continue
            try:
                check(factory)
            except AssertionError:
                names.append(check.__name__)
        return names

    return run
