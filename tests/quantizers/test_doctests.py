"""The examples in the docstrings of quantizers are right."""

import doctest
import importlib
import pkgutil

import pytest
import vqfw_quantizers

MODULES = [each.name for each in pkgutil.iter_modules(vqfw_quantizers.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_right(name):
    module = importlib.import_module(f"vqfw_quantizers.{name}")
    assert not doctest.testmod(module).failed
