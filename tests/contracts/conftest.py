import pytest

from vqfw.testing import checks


@pytest.fixture
def complaints():
    """Runs all checks of a kind on a component and names those that complain."""

    def run(kind, factory):
        names = []
        for check in checks(kind):
            try:
                check(factory)
            except AssertionError:
                names.append(check.__name__)
        return names

    return run
