"""The clock of foreign imports: a hang costs its seconds, a slow machine none."""

from __future__ import annotations

import sys
import threading
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from vqfw.registry import own_time
from vqfw.registry.own_time import OwnTime, charged


@pytest.mark.parametrize(
    ("what", "wall", "processor", "waited", "own"),
    [
        ("it sleeps", 0.25, 0.0, 0.0, 0.25),
        ("it polls without rest", 0.25, 0.03, 0.0, 0.25),
        ("it polls beside others", 0.25, 0.03, 0.1, 0.15),
        ("it computes", 0.25, 0.25, 0.0, 0.25),
        ("it computes beside nine others", 0.25, 0.025, 0.225, 0.025),
        ("the whole machine stood still", 60.0, 0.0, 0.0, 0.5),
        ("the clocks disagree", 0.25, 0.26, 0.01, 0.25),
        ("it sleeps, and nobody counts waits", 0.25, 0.002, None, 0.25),
        ("it computes, and nobody counts waits", 0.25, 0.025, None, 0.025),
    ],
)
def test_only_time_that_is_its_own_counts(what, wall, processor, waited, own):
    assert charged(wall, processor, waited) == pytest.approx(own)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts these waits")
def test_what_a_thread_waited_for_a_processor_is_known():
    own = OwnTime(threading.get_ident(), threading.get_native_id())
    assert own._waited() >= 0


@pytest.fixture
def clock(monkeypatch):
    """Clocks of an import that computes all the time, set by hand."""
    times = [0.0]
    monkeypatch.setattr(OwnTime, "_clocks", lambda self: (times[0], times[0], 0.0))
    return times


def test_importing_a_backend_does_not_count_and_what_follows_does(clock, monkeypatch):
    coming = ModuleType("jax")
    coming.__spec__ = ModuleSpec("jax", None)
    coming.__spec__._initializing = True
    for name in own_time._BACKENDS:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    own = OwnTime(threading.get_ident(), threading.get_native_id())
    clock[0] = 2.0
    assert own.tick() == 2.0
    monkeypatch.setitem(sys.modules, "jax", coming)
    clock[0] = 60.0
    assert own.tick() == 2.0
    coming.__spec__._initializing = False
    clock[0] = 63.0
    assert own.tick() == 5.0


def test_python_says_of_a_module_that_its_import_has_not_ended(tmp_path, monkeypatch):
    # The clock relies on it; a Python that says it elsewhere must not pass unnoticed.
    source = (
        "from vqfw.registry import own_time\nseen = own_time._a_backend_is_imported()\n"
    )
    (tmp_path / "a_backend.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(own_time, "_BACKENDS", ("a_backend",))
    import a_backend

    assert a_backend.seen
    assert not own_time._a_backend_is_imported()
    del sys.modules["a_backend"]
