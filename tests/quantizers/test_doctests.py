"""The examples in the documentation of quantizers do what they say."""

import doctest
import importlib
import pkgutil

import pytest
import vqfw_quantizers

MODULES = [each.name for each in pkgutil.iter_modules(vqfw_quantizers.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_do_what_they_say(name):
    module = importlib.import_module(f"vqfw_quantizers.{name}")
    assert not doctest.testmod(module).failed
