"""Starts Keras and runs plugin files, without the output of native libraries."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from vqfw.errors import PluginError, UsageError


def use_plugins(files: Sequence[str], tell: Callable[[str], None]) -> None:
    """Runs plugin files; ``tell`` takes a line for each of their components.

    Raises:
        UsageError: if a file is missing, or no backend can be imported.
        PluginError: if a file fails, or defines no component.
    """
    from vqfw import api
    from vqfw.registry import index

    for file in files:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        try:
            with hushed():
                entries = api.use_plugin(file)
        except PluginError as error:
            if isinstance(error.__cause__, ImportError | ValueError):
                _import_keras()  # raises if the backend is the cause
            raise
        for entry in entries:
            tell(f'plugin {file}: {entry.kind} "{index().spelling(entry)}"')


@contextmanager
def hushed() -> Iterator[None]:
    """Hides the output of native libraries, such as TensorFlow's lines on the processor.

    They write past Python's own stderr. The lines are shown if the block fails, and where
    there is no temporary file to hold them.
    """
    with ExitStack() as stack:
        try:
            kept = stack.enter_context(tempfile.TemporaryFile())
            own = os.dup(2)
        except OSError:  # no folder for temporary files, or no stderr
            yield
            return
        stack.callback(os.close, own)
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.flush()
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(own, 2)
            kept.seek(0)
            with suppress(OSError):  # stderr may be closed
                os.write(2, kept.read())
            raise
        finally:
            os.dup2(own, 2)


def start_backend(threads: int | None) -> None:
    """Imports Keras and its backend without output, and initializes the devices.

    Args:
        threads: number of threads of the experiment, set before the first operation.

    Raises:
        UsageError: if the backend cannot be imported or cannot train.
    """
    # TensorFlow's graph optimizer logs each pattern that it cannot fuse as an error.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _import_keras()
    with hushed():
        from vqfw.assembly.backend import pin_threads
        from vqfw.plan import devices, settled_threads

        pin_threads(settled_threads(threads))
        devices()


def _import_keras() -> None:
    """Imports Keras, which imports its backend; an error names the installed backends."""
    from vqfw.registry.backends import BACKENDS, installed_backends, keras_file

    named = os.environ.get("KERAS_BACKEND")
    wanted = f'"{named}" of KERAS_BACKEND' if named else "of the Keras configuration"
    choices = installed_backends()
    reason = "cannot train"
    try:
        with hushed():
            import keras

            from vqfw.assembly.backend import settle_keras

        settle_keras()
        if keras.backend.backend() in BACKENDS:
            return
    except Exception as error:  # Keras does not check its settings file
        lines = str(error).strip().splitlines() or [type(error).__name__]
        if not isinstance(error, ImportError) and "backend" not in lines[0]:
            raise UsageError(
                f"Keras cannot use its settings ({lines[0][:200]}): correct or remove "
                f"{keras_file()}"
            ) from error
        reason = f"cannot be imported ({lines[0][:200]})"
    repair = (
        f"set KERAS_BACKEND to {' or '.join(choices)}"
        if choices
        else f"install one of {', '.join(BACKENDS)}"
    )
    raise UsageError(f"the backend {wanted} {reason}: {repair}")
