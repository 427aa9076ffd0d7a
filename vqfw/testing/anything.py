"""The checks of every component, whatever its kind."""

from __future__ import annotations

import importlib.util
import inspect
import io
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import keras
import numpy as np

from vqfw.registry.contract import owed, wrong_attribute
from vqfw.testing.check import Factory, checks_in, require
from vqfw.testing.supplied import made

# Python and Keras need these.
_NEEDED = ("PATH", "HOME", "PYTHONPATH", "KERAS_BACKEND", "KERAS_HOME", "VQFW_CACHE")
_PLAIN = (bool, int, float, str, bytes, type(None))


def importing_it_changes_nothing(factory: Factory) -> None:
    """Importing its module prints nothing and changes nothing outside it."""
    subject = made(factory)
    module = (
        subject if inspect.ismodule(subject) else sys.modules[type(subject).__module__]
    )
    spec = getattr(module, "__spec__", None)
    if spec is None or spec.origin is None or not os.path.isfile(spec.origin):
        return  # a notebook, or a file that was run and not imported
    said = io.StringIO()
    again = importlib.util.module_from_spec(spec)
    try:
        with _restored(), redirect_stdout(said), redirect_stderr(said):
            _disarrange()
            before = _surroundings()
            sys.modules[spec.name] = again
            assert spec.loader is not None
            spec.loader.exec_module(again)
            after = _surroundings()
    finally:
        sys.modules[spec.name] = module
    moved = [name for name, value in before.items() if after[name] != value]
    require(
        not moved,
        f"importing {spec.name} changes {', '.join(moved)}: do it where it is needed, "
        "not at the top of the module",
    )
    require(
        not said.getvalue(),
        f"importing {spec.name} prints {said.getvalue()[:80]!r}: say nothing",
    )


def equal_options_make_equal_components(factory: Factory) -> None:
    """Two components of the same options have the same settings."""
    first, second = _settings(made(factory)), _settings(made(factory))
    differ = [name for name in first if first[name] != second.get(name)]
    require(
        not differ and first.keys() == second.keys(),
        f"made twice it differs in {', '.join(differ) or 'its attributes'}: take "
        "everything from the constructor's arguments, and keep no count or list in the "
        "class",
    )


def methods_and_attributes_keep_the_contract(factory: Factory) -> None:
    """The methods and attributes of the contract exist, with its types and ranges."""
    subject = made(factory)
    if not inspect.ismodule(subject):
        complaint = owed(type(subject)) or wrong_attribute(subject)
        require(not complaint, complaint)


CHECKS = checks_in(globals())


def _settings(component: Any) -> dict[str, Any]:
    """Public attributes that are plain values."""
    found = {name: _plain(value) for name, value in vars(component).items()}
    return {n: v for n, v in found.items() if not n.startswith("_") and v is not ...}


def _plain(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, list | tuple):
        parts = [_plain(each) for each in value]
        return ... if ... in parts else parts
    return ...


def _surroundings() -> Mapping[str, Any]:
    """The state of the process that an import could change."""
    return {
        "the environment": dict(os.environ),
        "the working folder": os.getcwd(),
        "sys.path": list(sys.path),
        "Python's random state": random.getstate(),
        "NumPy's random state": repr(np.random.get_state()),
        "the number of threads": threading.active_count(),
        "how Ctrl-C is handled": signal.getsignal(signal.SIGINT),
        "the filters of warnings": list(warnings.filters),
        "Keras's float type": keras.config.floatx(),
        "Keras's epsilon": keras.config.epsilon(),
        "Keras's image format": keras.config.image_data_format(),
        "Keras's precision": keras.config.dtype_policy().name,
    }


def _disarrange() -> None:
    """Sets unusual values, so that an import shows its change a second time."""
    kept = {name: os.environ[name] for name in _NEEDED if name in os.environ}
    os.environ.clear()
    os.environ.update(kept)
    warnings.resetwarnings()
    random.seed(271828)
    np.random.seed(271828)
    keras.config.set_epsilon(3e-7)
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")


@contextmanager
def _restored() -> Iterator[None]:
    """Restores the state that an examined module may change."""
    environment, folder, path = dict(os.environ), os.getcwd(), list(sys.path)
    python, numpy = random.getstate(), np.random.get_state()
    interrupt, policy = signal.getsignal(signal.SIGINT), keras.config.dtype_policy()
    floatx, epsilon = keras.config.floatx(), keras.config.epsilon()
    layout = keras.config.image_data_format()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.path[:] = path
        random.setstate(python)
        np.random.set_state(numpy)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, interrupt)
        keras.config.set_floatx(floatx)
        keras.config.set_epsilon(epsilon)
        keras.config.set_image_data_format(layout)
        keras.config.set_dtype_policy(policy)
