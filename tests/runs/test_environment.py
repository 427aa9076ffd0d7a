"""The record of what a run ran on."""

from __future__ import annotations

import json
from importlib import metadata

from vqfw.runs.environment import describe_environment


def test_packages_that_supplied_components_are_recorded_with_their_versions():
    assert "click" not in describe_environment("jax")["versions"]
    found = describe_environment("jax", ["click", "vqfw", "no-such-package"])
    assert found["versions"]["click"] == metadata.version("click")
    assert "no-such-package" not in found["versions"]
    json.dumps(found, allow_nan=False)
